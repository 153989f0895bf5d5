// What views show: answers of the API that are asked for again when events say that they have changed.
import { useCallback, useEffect, useRef, useState } from './preact.js';
import { get } from './api.js';
import { epoch, listen } from './live.js';

const Pause = 300;

/**
 * An answer of the API, kept up to date.
 * @param path With its query; null while there is nothing to ask for.
 * @param on Categories or types of events after which it is asked for again (lib/live.js); [] for none.
 * @param every Seconds after which it is asked for again without any event; 0 for never.
 * @returns { data, error, isLoading, reload }: data stays while it is asked for again, and error beside it when that fails.
 */
export function useAnswer(path, { on = [], every = 0, load = get } = {}) {
    const [state, setState] = useState({ path: null, data: undefined, error: null });
    const running = useRef(null);
    const types = on.join();

    const reload = useCallback(() => running.current?.ask(), []);

    useEffect(() => {
        if (path === null) return undefined;
        const ended = new AbortController();
        let [isAsking, isAskedAgain, timer] = [false, false, 0];

        async function ask() {
            clearTimeout(timer);
            timer = 0;
            if (isAsking) {
                isAskedAgain = true;
                return;
            }

            isAsking = true;
            const began = performance.now();
            try {
                const data = await load(path, { signal: ended.signal });
                if (!ended.signal.aborted) setState({ path, data, error: null });
            } catch (error) {
                if (!ended.signal.aborted) setState(old => ({ path, data: old.path === path ? old.data : undefined, error }));
            }

            isAsking = false;
            if (ended.signal.aborted) return;
            // In a burst of events an answer is asked for a third of the time at most.
            if (isAskedAgain) later(Math.max(Pause, 2 * (performance.now() - began)));
            isAskedAgain = false;
        }

        function later(wait) { timer ||= setTimeout(ask, wait); }

        running.current = { ask };
        ask();
        const leave = [
            types ? listen(types.split(','), () => isAsking ? isAskedAgain = true : later(Pause)) : () => {},
            epoch.follow(ask),
        ];
        const clock = every > 0 ? setInterval(() => document.hidden || ask(), every * 1000) : 0;
        return () => {
            ended.abort();
            clearTimeout(timer);
            clearInterval(clock);
            for (const one of leave) one();
        };
    }, [path, types, every]);

    const isMine = state.path === path;
    return { data: isMine ? state.data : undefined, error: isMine ? state.error : null, isLoading: path !== null && !isMine, reload };
}

/** All items of a paged list, up to `most`. */
export async function all(path, list, most = 20_000, options) {
    const items = [];
    for (let cursor = null; ;) {
        const page = await get(cursor ? `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}` : path, options);
        items.push(...page[list]);
        cursor = page.next_cursor;
        if (!cursor || items.length >= most) return items;
    }
}

/** Calls back with the events of some types while a component is shown. */
export function useEvents(types, callback) {
    const newest = useRef(callback);
    newest.current = callback;
    const names = types?.join() ?? null;
    useEffect(() => listen(names === null ? null : names.split(','), events => newest.current(events)), [names]);
}
