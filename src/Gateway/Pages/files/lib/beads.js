// All beads of the project and who works on them: loaded once, page by page, then kept up to date by events. Changed in place, since copying
// ten thousand beads at every event would cost more than showing them; `beads.value` is a new object each time something changed.
import { Source, use, useEffect } from './preact.js';
import { get } from './api.js';
import { epoch, listen } from './live.js';
import { session } from './session.js';

const Most = 20_000;
const Quiet = 1_000;
const LookAgain = 60_000;

const all = new Map();
const claims = new Map();

/** { all: Map of id to bead, claims: Map of id to [{ alias, claimed_at }], isComplete, error } */
export const beads = new Source(shape(false, null));

let users = 0;
let ended = null;
let timer = 0;

/** The beads, in a component. */
export function useBeads() {
    useEffect(() => {
        users++;
        if (!ended) begin();
        return () => { users--; };
    }, []);
    return use(beads);
}

export const isDone = bead => bead.status === 'closed';

/** The beads that must be done before one can be begun. */
export const openBlockers = bead => (bead.blocked_by ?? []).filter(one => {
    const blocker = all.get(one.bead_id);
    return !blocker || !isDone(blocker);
});

session.follow(forget);
epoch.follow(() => ended && begin());
listen(['bead', 'issue'], patch);
setInterval(() => { if (ended && users > 0 && !document.hidden) refresh(ended.signal); }, LookAgain);

function shape(isComplete, error) { return { all, claims, isComplete, error }; }

function forget() {
    ended?.abort();
    ended = null;
    all.clear();
    claims.clear();
    beads.value = shape(false, null);
}

async function begin() {
    ended?.abort();
    const mine = ended = new AbortController();
    try {
        await Promise.all([loadClaims(mine.signal), load(mine.signal)]);
    } catch (error) {
        if (mine.signal.aborted) return;
        beads.value = shape(all.size > 0, error);
        ended = null;
    }
}

async function loadClaims(signal) {
    const found = new Map();
    for (let cursor = null; ;) {
        const page = await get(`/v1/claims?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, { signal });
        for (const one of page.claims) found.set(one.bead_id, [...found.get(one.bead_id) ?? [], one]);
        cursor = page.next_cursor;
        if (!cursor) break;
    }

    claims.clear();
    for (const [id, of] of found) claims.set(id, of);
}

async function load(signal) {
    const seen = new Set();
    for (let cursor = null; ;) {
        const page = await pageAt(cursor, signal);
        for (const bead of page.issues) if (!seen.has(bead.bead_id)) {
            seen.add(bead.bead_id);
            take(bead);
        }

        cursor = page.next_cursor;
        const isComplete = !cursor || seen.size >= Most;
        beads.value = shape(isComplete || beads.value.isComplete, null);
        if (isComplete) break;
    }

    for (const id of [...all.keys()]) if (!seen.has(id) && seen.size < Most && !all.get(id).isNew) all.delete(id);
    beads.value = shape(true, null);
}

// Of the same id on two branches the one that changed last is shown; the list comes in that order.
function take(bead) {
    const known = all.get(bead.bead_id);
    if (known && !known.isNew && known.updated_at > bead.updated_at) return false;
    if (known && !known.isNew && known.updated_at === bead.updated_at && known.status === bead.status && known.priority === bead.priority && known.title === bead.title) return false;
    all.set(bead.bead_id, bead);
    return true;
}

const pageAt = (cursor, signal) => get(`/v1/beads/issues?limit=200${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, { signal });

// The list is sorted by the last change: what is new stands in front.
async function refresh(signal) {
    try {
        for (let cursor = null; ;) {
            const page = await pageAt(cursor, signal);
            const changed = page.issues.filter(take).length;
            cursor = page.next_cursor;
            if (changed > 0) beads.value = shape(beads.value.isComplete, null);
            if (changed < page.issues.length || !cursor) break;
        }
    } catch {
        // The next event, or the next minute.
    }
}

function patch(events) {
    if (!ended) return;
    for (const event of events) {
        const known = all.get(event.bead_id);
        switch (event.type) {
            case 'bead.status_changed':
                all.set(event.bead_id, known
                    ? { ...known, status: event.new_status, title: event.title ?? known.title, isNew: true }
                    : { bead_id: event.bead_id, repo: event.repo, title: event.title, status: event.new_status, priority: null, blocked_by: [], updated_at: event.timestamp, isNew: true });
                break;
            case 'issue.removed':
                all.delete(event.bead_id);
                break;
            case 'bead.claimed':
                claims.set(event.bead_id, [...(claims.get(event.bead_id) ?? []).filter(one => one.workspace_id !== event.workspace_id),
                    { bead_id: event.bead_id, workspace_id: event.workspace_id, alias: event.alias, claimed_at: event.timestamp }]);
                break;
            case 'bead.unclaimed': {
                const left = (claims.get(event.bead_id) ?? []).filter(one => one.workspace_id !== event.workspace_id);
                if (left.length > 0) claims.set(event.bead_id, left);
                else claims.delete(event.bead_id);
                break;
            }
        }
    }

    beads.value = shape(beads.value.isComplete, beads.value.error);
    // An event tells the least; the rest is asked for when it has become quiet.
    clearTimeout(timer);
    timer = setTimeout(() => ended && refresh(ended.signal), Quiet);
}

/** Asks for everything again. */
export const reload = () => begin();
