import { html, useEffect, useRef, useState } from '../lib/preact.js';
import { useAnswer } from '../lib/data.js';
import { Loaded } from '../lib/ui.js';
import { duration, Time } from '../lib/time.js';

const Kept = 90;

/** How the whole installation does, for administrators. */
export default function Instance() {
    const answer = useAnswer('/v1/instance', { every: 2 });
    const health = useAnswer('/health', { every: 10 });
    const audit = useAnswer('/v1/instance/audit?limit=10', { every: 15 });
    const samples = useRef([]);
    const [, again] = useState(0);
    useEffect(() => {
        if (!answer.data) return;
        const { log, at, node_id: node } = answer.data;
        // The log is the whole installation's, whichever node answers.
        samples.current = [...samples.current, { at: Date.parse(at), events: log.events, node }].slice(-Kept - 1);
        again(n => n + 1);
    }, [answer.data]);
    return html`<div class="head"><h1>Server</h1></div>
        <${Loaded} of=${answer}>${one => html`<${Shown} one=${one} health=${health.data} audit=${audit.data} rates=${rates(samples.current)} />`}<//>`;
}

/** Events a second between each two samples. */
function rates(samples) {
    return samples.slice(1).map((one, i) => one.at > samples[i].at ? Math.max(0, (one.events - samples[i].events) / ((one.at - samples[i].at) / 1000)) : 0);
}

function Shown({ one, health, audit, rates: of }) {
    const most = Math.max(1, ...one.busiest.map(project => project.events));
    const failing = Object.entries(health?.checks ?? {}).filter(([, state]) => state !== 'ok');
    return html`
        ${failing.map(([name, state]) => html`<div class="problem" role="alert"><p><strong>${name}</strong> ${state}</p></div>`)}
        <dl class="tiles">
            <${Tile} name="Events per second" value=${of.length > 0 ? number(of.at(-1)) : '…'}><${Spark} of=${of} /><//>
            <${Tile} name="Projects" value=${count(one.projects)} />
            <${Tile} name="Log" value=${bytes(one.log.bytes)}><span class="quiet">${count(one.log.events)} events</span><//>
            <${Tile} name="Event streams" value=${count(one.streams.reduce((sum, sort) => sum + sort.open, 0))}><span class=${worst(one.streams) > 100 ? 'waits' : 'quiet'}>slowest ${count(worst(one.streams))} behind</span><//>
            <${Tile} name="Webhooks" value=${one.webhooks ? count(one.webhooks.endpoints) : '…'}>${one.webhooks
                ? html`<span class=${one.webhooks.lag > 100 ? 'waits' : 'quiet'}>${count(one.webhooks.lag)} behind${one.webhooks.wait_seconds > 1 && `, tried for ${duration(one.webhooks.wait_seconds)}`}</span>`
                : html`<span class="quiet">another node delivers</span>`}<//>
            <${Tile} name="Memory" value=${bytes(one.memory_bytes)}><span class="quiet">of this node</span><//>
        </dl>
        <section><h2>Nodes</h2><div class="scroll" tabindex="0" role="region" aria-label="Nodes"><table class="grid">
            <thead><tr><th>Node</th><th>Does</th><th>Up</th></tr></thead>
            <tbody>${one.nodes.map(node => html`<tr key=${node.node_id}><td data-label="Node" class="mono">${node.node_id}</td>
                <td data-label="Does">${node.does_background_work ? 'serves, and delivers in the background' : 'serves'}</td>
                <td data-label="Up">${node.node_id === one.node_id ? html`<${Time} at=${one.started_at} plain /> <span class="quiet">answered this, version ${one.version}</span>` : html`<span class="quiet">alive</span>`}</td></tr>`)}</tbody></table></div>
            <p class="quiet">Log: <span class="mono">${one.log.store}</span></p></section>
        <section><h2>Projects with most events</h2>${one.busiest.length === 0 ? html`<p class="quiet">No project yet.</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label="Projects"><table class="grid">
            <thead><tr><th>Project</th><th>Agents</th><th>Events</th></tr></thead>
            <tbody>${one.busiest.map(project => html`<tr key=${project.project_id}><td data-label="Project"><strong>${project.slug}</strong> ${project.archived && html`<span class="tag">archived</span>`}
                    ${project.name !== project.slug && html`<span class="quiet">${project.name}</span>`}</td>
                <td data-label="Agents">${project.agents}</td>
                <td data-label="Events"><span class="bar"><meter min="0" max=${most} value=${project.events} aria-label=${`${project.events} events`}></meter> ${count(project.events)}</span></td></tr>`)}</tbody></table></div>`}</section>
        ${audit && audit.entries.length > 0 && html`<section><h2>What was done, and refused logins</h2><ul class="rows">${audit.entries.map(entry => html`<li key=${entry.number}>
            <span><strong>${entry.action}</strong> ${entry.count > 1 && `${entry.count}×`} <span class="quiet">${entry.detail}</span></span><${Time} at=${entry.at} /></li>`)}</ul></section>`}`;
}

function Tile({ name, value, children }) {
    return html`<div class="tile"><dt>${name}</dt><dd><strong>${value}</strong>${children}</dd></div>`;
}

function Spark({ of }) {
    if (of.length < 2) return null;
    const most = Math.max(1, ...of);
    const points = of.map((value, i) => `${(i / (of.length - 1) * 120).toFixed(1)},${(27 - value / most * 25).toFixed(1)}`).join(' ');
    return html`<svg class="spark" viewBox="0 0 120 28" role="img" aria-label=${`At most ${number(most)} a second`}><polyline points=${points} /></svg>`;
}

const worst = streams => Math.max(0, ...streams.map(sort => sort.lag));
const count = value => new Intl.NumberFormat().format(value);
const number = value => value < 10 ? String(Math.round(value * 10) / 10) : count(Math.round(value));

function bytes(value) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
    return `${value < 10 && unit > 0 ? Math.round(value * 10) / 10 : Math.round(value)} ${units[unit]}`;
}
