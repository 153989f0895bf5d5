import { html, useMemo, useState } from '../lib/preact.js';
import { openBlockers, reload, useBeads } from '../lib/beads.js';
import { setQuery } from '../lib/router.js';
import { Empty, Lines, Priority, Problem, Status, beadAddress } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { mayWrite } from '../lib/session.js';
import { NewBead } from './newbead.js';

const Order = ['open', 'in_progress', 'blocked', 'deferred', 'closed'];
const Always = ['open', 'in_progress', 'closed'];
const First = 60;

/** The beads by status. */
export default function Board({ query }) {
    const now = useBeads();
    const { all, claims, isComplete, error } = now;
    const { columns, types, labels, people, shown } = useMemo(() => arrange(all, claims, query), [now, query]);
    const set = name => event => setQuery({ [name]: event.target.value });
    const isFiltered = Object.values(query).some(Boolean);

    return html`
        <div class="head"><h1>Board</h1>
            <span class="quiet" role="status">${isComplete ? `${shown} of ${all.size} beads` : `${all.size} beads, loading…`}</span>
            ${mayWrite() && html`<${NewBead} />`}
            <div class="filters" role="search">
                <input type="search" data-search placeholder="Search  /" aria-label="Search beads" value=${query.q ?? ''} onInput=${set('q')} />
                <${Choice} label="Priority" value=${query.priority} options=${['0', '1', '2', '3', '4']} onChange=${set('priority')} say=${p => `P${p}`} />
                <${Choice} label="Type" value=${query.type} options=${types} onChange=${set('type')} />
                <${Choice} label="Label" value=${query.label} options=${labels} onChange=${set('label')} />
                <${Choice} label="Who" value=${query.who} options=${people} onChange=${set('who')} />
                ${isFiltered && html`<button type="button" onClick=${() => setQuery({ q: '', priority: '', type: '', label: '', who: '' })}>Clear</button>`}
            </div>
        </div>
        ${error && html`<${Problem} error=${error} retry=${reload} isOld=${all.size > 0} />`}
        ${isComplete && all.size === 0 ? html`<${Empty} title="No beads yet">
                <p>An agent pushes those of its repository, or makes one here:</p>
                <${Lines}>${'beadhub import .beads/issues.jsonl'}<//><${Lines}>${'bdh create "Fix the lamp"'}<//><//>`
            : html`<div class="board">${columns.map(column => html`<${Column} key=${column.status} of=${column} claims=${claims} />`)}</div>`}`;
}

function Choice({ label, value = '', options, onChange, say = x => x }) {
    return html`<select aria-label=${label} value=${value} onChange=${onChange}>
        <option value="">${label}</option>
        ${(value && !options.includes(value) ? [value, ...options] : options).map(one => html`<option value=${one} selected=${one === value}>${say(one)}</option>`)}
    </select>`;
}

function Column({ of, claims }) {
    const [most, setMost] = useState(First);
    return html`<section class="column" aria-label=${of.status}>
        <h2><${Status} of=${of.status} /> <span class="quiet">${of.beads.length}</span></h2>
        ${of.beads.slice(0, most).map(bead => html`<${Card} key=${bead.bead_id} bead=${bead} claims=${claims.get(bead.bead_id)} />`)}
        ${of.beads.length === 0 && html`<p class="quiet none">None</p>`}
        ${of.beads.length > most && html`<button type="button" onClick=${() => setMost(most + 5 * First)}>${of.beads.length - most} more</button>`}
    </section>`;
}

function Card({ bead, claims = [] }) {
    const waits = bead.status === 'closed' ? 0 : openBlockers(bead).length;
    return html`<a class="card" href=${beadAddress(bead.bead_id)} data-row data-bead=${bead.bead_id}>
        <span class="meta"><span class="id">${bead.bead_id}</span><${Priority} of=${bead.priority} />${bead.type && bead.type !== 'task' && html`<span>${bead.type}</span>`}</span>
        <span class="title">${bead.title}</span>
        ${(claims.length > 0 || waits > 0) && html`<span class="meta">
            ${claims.map(one => html`<span class="by"><strong>${one.alias}</strong> <${Time} at=${one.claimed_at} plain /></span>`)}
            ${waits > 0 && html`<span class="waits">waits for ${waits}</span>`}</span>`}
    </a>`;
}

function arrange(all, claims, query) {
    const [columns, types, labels, people] = [new Map(Always.map(status => [status, []])), new Set(), new Set(), new Set()];
    const wanted = (query.q ?? '').toLowerCase();
    let shown = 0;
    for (const bead of all.values()) {
        if (bead.status === 'tombstone') continue; // What bd keeps of a bead that was deleted.
        if (bead.type) types.add(bead.type);
        for (const label of bead.labels ?? []) labels.add(label);
        const who = (claims.get(bead.bead_id) ?? []).map(one => one.alias);
        if (bead.assignee) who.push(bead.assignee);
        for (const one of who) people.add(one);
        if (query.priority && String(bead.priority) !== query.priority) continue;
        if (query.type && bead.type !== query.type) continue;
        if (query.label && !(bead.labels ?? []).includes(query.label)) continue;
        if (query.who && !who.includes(query.who)) continue;
        if (wanted && !bead.bead_id.toLowerCase().includes(wanted) && !(bead.title ?? '').toLowerCase().includes(wanted)) continue;
        shown++;
        // Whoever has claimed it works on it, though its file may not say so yet.
        const status = bead.status === 'open' && claims.has(bead.bead_id) ? 'in_progress' : bead.status;
        if (!columns.has(status)) columns.set(status, []);
        columns.get(status).push(bead);
    }

    for (const [status, beads] of columns)
        beads.sort(status === 'closed'
            ? (a, b) => (b.updated_at ?? '').localeCompare(a.updated_at ?? '')
            : (a, b) => (a.priority ?? 9) - (b.priority ?? 9) || (a.bead_id < b.bead_id ? -1 : 1));
    const place = status => (Order.indexOf(status) + 1 || 4.5);
    return {
        columns: [...columns].map(([status, beads]) => ({ status, beads })).sort((a, b) => place(a.status) - place(b.status)),
        types: [...types].sort(), labels: [...labels].sort(), people: [...people].sort(), shown,
    };
}
