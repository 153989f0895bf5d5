import { html, useEffect, useMemo, useState } from '../lib/preact.js';
import { post } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { mayWrite, session } from '../lib/session.js';
import { BeadLink, Empty, Lines, Loaded, Problem } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { setQuery } from '../lib/router.js';

/** Who has reserved what, as a tree of paths. */
export default function Locks({ query }) {
    const answer = useAnswer('/v1/reservations', { on: ['reservation', 'lock'], every: 60 });
    return html`
        <div class="head"><h1>Locks</h1>
            <input type="search" data-search placeholder="Search  /" aria-label="Search paths and holders" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        <${Loaded} of=${answer}>${({ reservations }) => html`<${Held} reservations=${reservations} text=${query.q ?? ''} reload=${answer.reload} />`}<//>`;
}

function Held({ reservations, text, reload }) {
    const now = useEnds(reservations);
    const held = reservations.filter(one => Date.parse(one.expires_at) > now);
    const wanted = text.toLowerCase();
    const shown = held.filter(one => `${one.resource_key} ${one.holder_alias} ${one.reason ?? ''}`.toLowerCase().includes(wanted));
    const tree = useMemo(() => treeOf(shown), [shown.map(one => `${one.reservation_id} ${one.resource_key}`).join('\n'), reservations]);
    if (held.length === 0) return html`<${Empty} title="Nothing is reserved"><p>Agents reserve files before they change them, so that nobody works on the same lines:</p>
        <${Lines}>${'beadhub lock acquire src/lamp.cs\nbeadhub lock acquire "src/lamp/**" --pattern'}<//><//>`;
    const holders = Object.entries(Object.groupBy ? Object.groupBy(held, one => one.holder_alias) : group(held)).sort((a, b) => b[1].length - a[1].length);
    return html`
        <p class="chips">${holders.map(([alias, of]) => html`<button type="button" aria-pressed=${text === alias} onClick=${() => setQuery({ q: text === alias ? '' : alias })}>
            ${alias} <span class="quiet">${of.length}</span></button>`)}</p>
        <ul class="tree" aria-label="Reserved paths">${tree.map(node => html`<${Branch} key=${node.name} node=${node} reload=${reload} />`)}</ul>
        ${shown.length === 0 && html`<p class="quiet">No path or holder matches “${text}”.</p>`}`;
}

function group(held) {
    const found = {};
    for (const one of held) (found[one.holder_alias] ??= []).push(one);
    return found;
}

/** The time, again when the next reservation ends: that one has ended is no event. */
function useEnds(reservations) {
    const [now, setNow] = useState(Date.now());
    useEffect(() => {
        const next = Math.min(...reservations.map(one => Date.parse(one.expires_at)).filter(at => at > Date.now()));
        if (!Number.isFinite(next)) return undefined;
        const timer = setTimeout(() => setNow(Date.now()), Math.min(next - Date.now() + 50, 86_400_000));
        return () => clearTimeout(timer);
    }, [reservations, now]);
    return Math.max(now, 0);
}

/** Folders hold what begins with them; a folder that holds one folder only is one with it. */
function treeOf(reservations) {
    const root = { parts: new Map(), held: [] };
    for (const one of reservations) {
        let node = root;
        for (const part of one.resource_key.split(/(?<=\/)/).slice(0, 64)) {
            if (!node.parts.has(part)) node.parts.set(part, { parts: new Map(), held: [] });
            node = node.parts.get(part);
        }
        node.held.push(one);
    }

    const listed = node => [...node.parts].map(([name, child]) => {
        while (child.parts.size === 1 && child.held.length === 0) {
            const [[more, only]] = child.parts;
            [name, child] = [name + more, only];
        }
        return { name, held: child.held, children: listed(child) };
    }).sort((a, b) => (b.children.length > 0) - (a.children.length > 0) || a.name.localeCompare(b.name));
    return listed(root);
}

function Branch({ node, reload }) {
    if (node.children.length === 0) return html`<li>${node.held.map(one => html`<${Leaf} key=${one.reservation_id} name=${node.name} one=${one} reload=${reload} />`)}</li>`;
    return html`<li><details open><summary><span class="mono">${node.name}</span> <span class="quiet">${count(node)}</span></summary>
        <ul>${node.held.map(one => html`<li key=${one.reservation_id}><${Leaf} name="(this)" one=${one} reload=${reload} /></li>`)}
            ${node.children.map(child => html`<${Branch} key=${child.name} node=${child} reload=${reload} />`)}</ul></details></li>`;
}

const count = node => node.held.length + node.children.reduce((sum, child) => sum + count(child), 0);

function Leaf({ name, one, reload }) {
    const [error, setError] = useState(null);
    async function release() {
        try {
            setError(null);
            await post('/v1/reservations/release', { resource_key: one.resource_key });
            reload();
        } catch (problem) {
            setError(problem);
        }
    }

    return html`<div class="leaf" data-row tabindex="-1"><span class="mono name" title=${one.resource_key}>${name}</span>
        ${one.pattern && html`<span class="tag">pattern</span>`}
        <span class="agent">${one.holder_alias}</span>
        ${one.bead_id && html`<${BeadLink} id=${one.bead_id} />`}
        ${one.reason && html`<span>${one.reason}</span>`}
        <span class="quiet">since <${Time} at=${one.acquired_at} plain />, ends <${Time} at=${one.expires_at} /></span>
        ${mayWrite() && one.holder_agent_id === session.value.agentId && html`<button type="button" onClick=${release}>Give back</button>`}
        ${error && html`<${Problem} error=${error} />`}</div>`;
}
