// What differs between two texts, line by line (Myers' algorithm), and what becomes of three.

const MostSteps = 2_000;

/** [{ kind: 'same' | 'gone' | 'new', text }] */
export function diff(before, after) {
    const [a, b] = [before.split('\n'), after.split('\n')];
    let [start, ends] = [0, 0];
    while (start < a.length && start < b.length && a[start] === b[start]) start++;
    while (ends < a.length - start && ends < b.length - start && a[a.length - 1 - ends] === b[b.length - 1 - ends]) ends++;
    const same = lines => lines.map(text => ({ kind: 'same', text }));
    return [...same(a.slice(0, start)), ...middle(a.slice(start, a.length - ends), b.slice(start, b.length - ends)), ...same(a.slice(a.length - ends))];
}

function middle(a, b) {
    const rough = [...a.map(text => ({ kind: 'gone', text })), ...b.map(text => ({ kind: 'new', text }))];
    if (a.length === 0 || b.length === 0) return rough;
    const trace = [];
    let ends = new Map([[1, 0]]);
    for (let steps = 0; steps <= a.length + b.length; steps++) {
        if (steps > MostSteps) return rough; // Nothing in common that would be worth the time.
        trace.push(ends);
        const next = new Map(ends);
        for (let k = -steps; k <= steps; k += 2) {
            let x = k === -steps || (k !== steps && ends.get(k - 1) < ends.get(k + 1)) ? ends.get(k + 1) : ends.get(k - 1) + 1;
            while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
            next.set(k, x);
            if (x >= a.length && x - k >= b.length) return back(a, b, trace, steps);
        }
        ends = next;
    }
    return rough;
}

function back(a, b, trace, steps) {
    const found = [];
    let [x, y] = [a.length, b.length];
    for (let step = steps; step >= 0; step--) {
        const ends = trace[step];
        const k = x - y;
        const from = k === -step || (k !== step && ends.get(k - 1) < ends.get(k + 1)) ? k + 1 : k - 1;
        const [px, py] = step === 0 ? [0, 0] : [ends.get(from), ends.get(from) - from];
        while (x > px && y > py && x > 0 && y > 0 && a[x - 1] === b[y - 1]) { found.push({ kind: 'same', text: a[--x] }); y--; }
        if (step === 0) break;
        if (x > px) found.push({ kind: 'gone', text: a[--x] });
        else if (y > py) found.push({ kind: 'new', text: b[--y] });
    }
    return found.reverse();
}

/**
 * What comes of two changes to one thing: whoever has changed it wins; where both have, mine stays and theirs is told.
 * @returns { value, isTaken: theirs replaced mine, isDisputed: both changed it }
 */
export function merge(base, mine, theirs) {
    if (mine === theirs || theirs === base) return { value: mine, isTaken: false, isDisputed: false };
    if (mine === base) return { value: theirs, isTaken: true, isDisputed: false };
    return { value: mine, isTaken: false, isDisputed: true };
}
