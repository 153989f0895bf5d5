// The project's event stream (docs/events.md), read by fetch, which can send the key as a header. Every event has the feed's position as its
// id; after a break the stream goes on behind the last one that was seen, so nothing is missed however long the line was down.
import { Source } from './preact.js';
import { root, session, signOut } from './session.js';

const Silence = 75_000; // The server says something every 30 seconds, if only that it lives.
const LongestWait = 15_000;
const MostAFrame = 2_000;

/** How the line is: { state: 'off' | 'connecting' | 'live' | 'down', since: Date, retryAt: Date? }. */
export const line = new Source({ state: 'off', since: new Date() });

/** Counts up when what was loaded before may be out of date without an event that says so. */
export const epoch = new Source(0);

let cursor = null;
let listening = null; // AbortController of the running loop
let queue = [];
let scheduled = false;
let wake = null;
const listeners = new Set();

/**
 * Calls back with the events since the last time, in order, at most once a frame.
 * @param types Categories ('bead') or types ('bead.claimed'); null for all.
 */
export function listen(types, callback) {
    const wanted = types && new Set(types);
    const listener = events => {
        const mine = wanted ? events.filter(e => wanted.has(e.type) || wanted.has(e.type.split('.', 1)[0])) : events;
        if (mine.length > 0) callback(mine);
    };
    listeners.add(listener);
    return () => listeners.delete(listener);
}

session.follow(start);

/** Reads the stream of the session's project until the session ends. */
export function start() {
    listening?.abort();
    listening = null;
    cursor = null;
    queue = [];
    if (!session.value?.projectId) {
        line.value = { state: 'off', since: new Date() };
        return;
    }

    listening = new AbortController();
    run(listening.signal);
}

/** Tries again now. */
export function retry() { wake?.(); }

async function run(ended) {
    let failures = 0;
    let broke = false;
    line.value = { state: 'connecting', since: new Date() };
    while (!ended.aborted) {
        const attempt = new AbortController();
        const stop = () => attempt.abort();
        ended.addEventListener('abort', stop);
        try {
            const response = await open(attempt.signal);
            if (ended.aborted) return;
            if (response.status === 401) return signOut('Your key is no longer good: it was revoked, or has expired. Sign in with another one.');
            if (!response.ok) throw new Error(`The stream answered ${response.status}`);
            failures = 0;
            // Without a position nobody can say what was missed.
            if (broke && cursor === null) epoch.value++;
            line.value = { state: 'live', since: new Date() };
            await read(response.body, attempt);
        } catch {
            // Broken, refused, or silent for too long: all the same.
        } finally {
            ended.removeEventListener('abort', stop);
        }

        if (ended.aborted) return;
        broke = true;
        // A stream that ended of itself (a node that stops, a key that is looked at again) is opened at once.
        const wait = failures === 0 ? 200 : Math.min(LongestWait, 500 * 2 ** failures) * (0.7 + 0.3 * Math.random());
        failures++;
        const down = line.value.state === 'down' ? line.value.since : new Date();
        line.value = { state: 'down', since: down, retryAt: new Date(Date.now() + wait) };
        await new Promise(resolve => {
            const timer = setTimeout(resolve, wait);
            wake = () => { clearTimeout(timer); resolve(); };
            ended.addEventListener('abort', wake, { once: true });
        });
        wake = null;
    }
}

function open(signal) {
    const headers = { Accept: 'text/event-stream' };
    if (session.value.key) headers.Authorization = `Bearer ${session.value.key}`;
    if (cursor !== null) headers['Last-Event-ID'] = cursor;
    return fetch(`${root}/v1/status/stream?event_types=all`, { headers, signal, cache: 'no-store', credentials: 'same-origin' });
}

async function read(body, attempt) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let heard = Date.now();
    const watch = setInterval(() => { if (Date.now() - heard > Silence) attempt.abort(); }, 5_000);
    // A machine that slept sees at once whether its line has died meanwhile.
    const back = () => { if (!document.hidden && Date.now() - heard > Silence / 2) attempt.abort(); };
    document.addEventListener('visibilitychange', back);
    addEventListener('online', back);
    try {
        const lines = new Lines(take);
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return; // What was half sent is sent again: the cursor has not moved.
            heard = Date.now();
            lines.push(value);
        }
    } finally {
        clearInterval(watch);
        document.removeEventListener('visibilitychange', back);
        removeEventListener('online', back);
    }
}

/** Cuts a stream of text into server-sent events. */
export class Lines {
    #rest = '';
    #id = null;
    #data = [];
    #take;

    constructor(take) { this.#take = take; }

    push(text) {
        const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
        this.#rest = lines.pop();
        for (const one of lines) this.#line(one);
    }

    #line(text) {
        if (text === '') {
            if (this.#data.length > 0) this.#take(this.#id, this.#data.join('\n'));
            this.#data = [];
        } else if (text.startsWith('data:')) this.#data.push(text.slice(text[5] === ' ' ? 6 : 5));
        else if (text.startsWith('id:')) this.#id = text.slice(3).trim();
    }
}

function take(id, data) {
    let event;
    try {
        event = JSON.parse(data);
    } catch {
        return; // A server of another version: what is not understood is passed over.
    }

    if (typeof event?.type !== 'string') return;
    if (id !== null) cursor = event.id = id;
    queue.push(event);
    schedule();
}

// Bursts are handed on once a frame; in a tab that nobody sees there are no frames.
function schedule() {
    if (scheduled) return;
    scheduled = true;
    if (document.hidden) setTimeout(flush, 250);
    else requestAnimationFrame(flush);
}

function flush() {
    scheduled = false;
    const events = queue.splice(0, MostAFrame);
    for (const listener of [...listeners]) {
        try {
            listener(events);
        } catch (error) {
            console.error(error);
        }
    }

    if (queue.length > 0) schedule();
}
