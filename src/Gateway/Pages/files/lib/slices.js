// Long work in short slices, so that the page answers meanwhile.
const Slice = 8;

/** Runs a generator to its end, a few milliseconds at a time; answers what it returns, or undefined when it was ended before. */
export async function slices(steps, signal) {
    for (;;) {
        const until = performance.now() + Slice;
        do {
            const { done, value } = steps.next();
            if (done) return value;
        } while (performance.now() < until);
        await new Promise(resolve => setTimeout(resolve));
        if (signal?.aborted) return undefined;
    }
}
