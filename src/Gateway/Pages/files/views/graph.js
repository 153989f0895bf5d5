import { html, useEffect, useMemo, useRef, useState } from '../lib/preact.js';
import { useAnswer } from '../lib/data.js';
import { isDone, reload, useBeads } from '../lib/beads.js';
import { BeadLink, Empty, Priority, Problem, Status } from '../lib/ui.js';
import { setQuery } from '../lib/router.js';
import { useKeys } from '../lib/keys.js';
import { layout } from '../lib/layered.js';
import { Scene } from '../lib/scene.js';
import { slices } from '../lib/slices.js';
import { Connect } from './connect.js';

const Pause = 500;

/** What waits for what: who is waited for stands left of who waits. */
export default function Graph({ query }) {
    const isWhole = query.done === 'yes';
    const beads = useCalm(useBeads());
    const plan = useAnswer('/v1/beads/insights?limit=20', { on: ['bead', 'issue'] });
    return html`
        <div class="head"><h1>Graph</h1>
            <label class="check"><input type="checkbox" checked=${isWhole} onChange=${e => setQuery({ done: e.target.checked ? 'yes' : '' })} /> with closed beads</label>
            <input type="search" data-search list="beads" placeholder="Find a bead  /" aria-label="Find a bead" value=${query.bead ?? ''}
                onInput=${e => setQuery({ bead: e.target.value.trim() })} /></div>
        ${beads.error && html`<${Problem} error=${beads.error} retry=${reload} isOld=${beads.all.size > 0} />`}
        ${beads.isComplete ? html`<${Plan} beads=${beads} isWhole=${isWhole} plan=${plan.data} wanted=${query.bead ?? ''} />`
            : !beads.error && html`<p class="loading" role="status">Loading ${beads.all.size} beads…</p>`}`;
}

/** A value, at most twice a second: a burst of events is drawn as one. */
function useCalm(value) {
    const [calm, setCalm] = useState(value);
    const newest = useRef(value);
    const timer = useRef(0);
    newest.current = value;
    if (calm !== value) timer.current ||= setTimeout(() => { timer.current = 0; setCalm(newest.current); }, calm.isComplete ? Pause : 0);
    useEffect(() => () => clearTimeout(timer.current), []);
    return calm;
}

function Plan({ beads, isWhole, plan, wanted }) {
    const graph = useMemo(() => graphOf([...beads.all.values()].filter(bead => isWhole || !isDone(bead)), plan), [beads, isWhole, plan]);
    if (beads.all.size === 0) return html`<${Empty} title="No beads yet"><p>Push some, or let an agent make them:</p><${Connect} /><//>`;
    return html`<div class="plan">
        <${Drawing} graph=${graph} wanted=${wanted} />
        <aside aria-label="What holds the plan up"><${Findings} plan=${plan} graph=${graph} /></aside>
    </div>`;
}

/** Nodes and edges of the beads that wait for another or are waited for. */
function graphOf(beads, plan) {
    const numbers = new Map(beads.map((bead, i) => [bead.bead_id, i]));
    const pairs = [];
    const isTied = new Uint8Array(beads.length);
    beads.forEach((bead, i) => {
        for (const by of bead.blocked_by ?? []) {
            const from = numbers.get(by.bead_id);
            if (from === undefined || from === i) continue;
            pairs.push([from, i]);
            isTied[from] ||= 1;
            // Whoever waits for something that is not done.
            isTied[i] = isTied[i] === 2 || !isDone(beads[from]) ? 2 : 1;
        }
    });
    const place = new Int32Array(beads.length).fill(-1);
    const nodes = [];
    const critical = new Map((plan?.critical_path.beads ?? []).map((one, i) => [one.bead.bead_id, i]));
    const circles = new Set((plan?.cycles ?? []).flat());
    beads.forEach((bead, i) => {
        if (!isTied[i]) return;
        place[i] = nodes.length;
        nodes.push({
            id: bead.bead_id, title: bead.title ?? '', status: bead.status, priority: bead.priority,
            style: bead.status === 'open' && isTied[i] === 2 ? 'blocked' : bead.status, step: critical.get(bead.bead_id) ?? -1,
            isCritical: critical.has(bead.bead_id) && critical.size > 1, isInCircle: circles.has(bead.bead_id),
        });
    });
    const edges = pairs.map(([from, to]) => [place[from], place[to]]);
    // What the layout depends on, and nothing else: a bead that is only claimed stays where it is.
    const shape = `${nodes.map(node => node.id).join('\n')}\n\n${edges.join(' ')}`;
    return { nodes, edges, shape, single: beads.length - nodes.length };
}

function Drawing({ graph, wanted }) {
    const canvas = useRef(null);
    const scene = useRef(null);
    const [placed, setPlaced] = useState(null);
    const [selected, setSelected] = useState(null);
    const selection = useRef(null);
    const shown = useRef(null);

    useEffect(() => {
        scene.current = new Scene(canvas.current, number => selection.current(number));
        return () => scene.current.end();
    }, []);

    useEffect(() => {
        const ended = new AbortController();
        slices(layout(graph.nodes.length, graph.edges, aspect(canvas.current)), ended.signal).then(found => {
            if (found && !ended.signal.aborted) setPlaced({ shape: graph.shape, ...found });
        });
        return () => ended.abort();
    }, [graph.shape]);

    const isReady = placed?.shape === graph.shape;
    selection.current = number => {
        const id = number < 0 ? null : graph.nodes[number].id;
        setSelected(id);
        if (wanted && wanted !== id) setQuery({ bead: '' });
    };

    useEffect(() => {
        if (!isReady) return;
        const circle = new Int32Array(graph.nodes.length).fill(-1);
        placed.circles.forEach((members, i) => members.forEach(node => { circle[node] = i; }));
        const nodes = graph.nodes.map((node, i) => ({ ...node, x: placed.x[i], y: placed.y[i], isInCircle: node.isInCircle || circle[i] >= 0 }));
        const edges = graph.edges.map(([from, to]) => ({
            from, to,
            style: circle[from] >= 0 && circle[from] === circle[to] ? 'circle'
                : nodes[from].isCritical && nodes[to].isCritical && nodes[to].step === nodes[from].step + 1 ? 'critical' : 'plain',
        }));
        scene.current.show(nodes, edges, placed);
        if (shown.current !== graph.shape) {
            // The first picture shows everything; later ones leave the camera where somebody has put it.
            if (shown.current === null) scene.current.fit();
            shown.current = graph.shape;
        }
    }, [graph, placed]);

    const found = wanted || selected;
    const number = useMemo(() => found ? find(graph.nodes, found) : -1, [graph, found]);
    useEffect(() => {
        if (isReady) scene.current.light(number, number < 0 ? null : around(graph, number), Boolean(wanted) && number >= 0);
    }, [number, graph, placed]);

    useKeys({
        '+': () => scene.current.zoom(1.3), '-': () => scene.current.zoom(1 / 1.3), 0: () => scene.current.fit(),
        Escape: () => number >= 0 ? (setSelected(null), setQuery({ bead: '' }), true) : false,
    });

    function move(event) {
        const step = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[event.key];
        if (!step) return;
        event.preventDefault();
        scene.current.pan(...step);
    }

    const node = graph.nodes[number];
    return html`<div class="drawing" data-state=${isReady ? 'ready' : 'placing'} data-nodes=${graph.nodes.length} data-edges=${graph.edges.length}>
        <div class="stage" tabindex="0" role="application" onKeyDown=${move}
            aria-label=${`Graph of ${graph.nodes.length} beads and ${graph.edges.length} dependencies. Arrow keys move it, plus and minus zoom, 0 shows all.`}>
            <canvas ref=${canvas} aria-hidden="true"></canvas></div>
        <div class="tools">
            <button type="button" aria-label="Larger" onClick=${() => scene.current.zoom(1.3)}>+</button>
            <button type="button" aria-label="Smaller" onClick=${() => scene.current.zoom(1 / 1.3)}>−</button>
            <button type="button" onClick=${() => scene.current.fit()}>Show all</button>
        </div>
        <datalist id="beads">${graph.nodes.slice(0, 500).map(one => html`<option value=${one.id}>${one.title}</option>`)}</datalist>
        ${!isReady && html`<p class="loading" role="status">Placing ${graph.nodes.length} beads…</p>`}
        ${graph.nodes.length === 0 && html`<p class="loading">No bead waits for another.</p>`}
        ${node && html`<div class="chosen" role="status">
            <${BeadLink} id=${node.id} title=${node.title} /><p><${Status} of=${node.status} /> <${Priority} of=${node.priority} />
            <span class="quiet"> waits for ${reach(graph, number, 1)}, ${reach(graph, number, 0)} wait for it</span></p></div>`}
        ${wanted && number < 0 && isReady && html`<div class="chosen" role="status">No bead “${wanted}” among those that wait or are waited for.</div>`}
        <p class="legend"><span class="key critical">critical path</span><span class="key circle">circle</span><span class="key blocked">waits</span><span class="key in_progress">in progress</span>
            ${graph.single > 0 && html`<span class="quiet">${graph.single} beads that are tied to no other are not drawn</span>`}</p>
    </div>`;
}

const aspect = canvas => Math.max(0.6, canvas.clientWidth / Math.max(1, canvas.clientHeight));

function find(nodes, text) {
    const exact = nodes.findIndex(node => node.id === text);
    if (exact >= 0 || text.length < 3) return exact;
    const lower = text.toLowerCase();
    return nodes.findIndex(node => `${node.id} ${node.title}`.toLowerCase().includes(lower));
}

/** A node, what it waits for and what waits for it, through others too. */
function around(graph, number) {
    return new Set([number, ...walk(graph, number, 0), ...walk(graph, number, 1)]);
}

const reach = (graph, number, side) => walk(graph, number, side).size;

/** @param side 0 for what waits for it, 1 for what it waits for. */
function walk(graph, number, side) {
    graph.near ??= [0, 1].map(from => {
        const lists = Array.from({ length: graph.nodes.length }, () => []);
        for (const edge of graph.edges) lists[edge[from]].push(edge[1 - from]);
        return lists;
    });
    const seen = new Set();
    const open = [number];
    while (open.length > 0)
        for (const other of graph.near[side][open.pop()]) if (other !== number && !seen.has(other)) { seen.add(other); open.push(other); }
    return seen;
}

function Findings({ plan, graph }) {
    const [isLong, showAll] = useState(false);
    if (!plan) return html`<p class="loading" role="status">Loading…</p>`;
    const titles = new Map(graph.nodes.map(node => [node.id, node.title]));
    const pick = id => () => setQuery({ bead: id });
    const row = (id, note) => html`<li><button type="button" class="pick" onClick=${pick(id)}><span class="id">${id}</span> ${titles.get(id)}</button>
        ${note && html`<span class="quiet">${note}</span>`}</li>`;
    const path = plan.critical_path.beads;
    const chief = plan.beads.filter(one => one.unblocks > 0).slice(0, 8);
    return html`
        <dl class="facts">
            <div><dt>open</dt><dd>${plan.open_beads}</dd></div><div><dt>stuck</dt><dd class=${plan.stuck_beads > 0 ? 'bad' : ''}>${plan.stuck_beads}</dd></div>
            <div><dt>work</dt><dd>${minutes(plan.work_minutes)}</dd></div>
        </dl>
        ${plan.forecast?.likely && html`<p class="quiet">As the last 30 days went, it would be done around ${day(plan.forecast.likely)}.</p>`}
        ${path.length > 1 && html`<section><h2>Critical path, ${minutes(plan.critical_path.minutes)}</h2>
            <ol class="picks">${(isLong ? path : path.slice(0, 12)).map(one => row(one.bead.bead_id, minutes(one.minutes)))}</ol>
            ${path.length > 12 && !isLong && html`<button type="button" class="link" onClick=${() => showAll(true)}>all ${path.length}</button>`}</section>`}
        ${plan.cycles.length > 0 && html`<section><h2>Circles: nobody can begin</h2>
            ${plan.cycles.slice(0, 10).map(cycle => html`<ul class="picks circle">${cycle.slice(0, 8).map(id => row(id))}
                ${cycle.length > 8 && html`<li class="quiet">and ${cycle.length - 8} more</li>`}</ul>`)}</section>`}
        ${chief.length > 0 && html`<section><h2>Most wait for</h2>
            <ul class="picks">${chief.map(one => row(one.bead.bead_id, `${one.unblocks} wait`))}</ul></section>`}`;
}

const minutes = count => count < 120 ? `${count} min` : count < 2880 ? `${Math.round(count / 6) / 10} h` : `${Math.round(count / 144) / 10} d`;

const day = text => new Date(text).toLocaleDateString(undefined, { dateStyle: 'medium' });
