import { html } from '../lib/preact.js';
import { post } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { mayWrite, session } from '../lib/session.js';
import { setQuery, to } from '../lib/router.js';
import { BeadLink, Empty, Form, Loaded, Priority } from '../lib/ui.js';
import { useBeads } from '../lib/beads.js';
import { Time } from '../lib/time.js';

const Nobody = '00000000-0000-0000-0000-000000000000';
const Strategies = { priority: 'by name', unblock: 'longest chain first' };
const Shown = 300;

/** What can be begun, in the order in which claim-next gives it out, and why it stands there. */
export default function Ready({ query }) {
    const strategy = query.strategy === 'priority' ? 'priority' : 'unblock';
    const ready = useAnswer(`/v1/beads/ready?workspace_id=${session.value.agentId ?? Nobody}&limit=2000`, { on: ['bead'] });
    const plan = useAnswer('/v1/beads/insights?limit=5000&agents=4', { on: ['bead'] });
    const { claims } = useBeads();
    const wanted = (query.q ?? '').toLowerCase();

    return html`
        <div class="head"><h1>Ready</h1>
            <div class="choice" role="group" aria-label="Order within a priority">
                ${Object.entries(Strategies).map(([name, said]) => html`<button type="button" aria-pressed=${name === strategy} onClick=${() => setQuery({ strategy: name })}>${said}</button>`)}</div>
            <input type="search" data-search placeholder="Search  /" aria-label="Search what is ready" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        ${plan.data && html`<${Summary} plan=${plan.data} />`}
        <${Loaded} of=${ready}>${({ issues }) => {
            const planned = new Map((plan.data?.beads ?? []).map(one => [one.bead.bead_id, one]));
            const length = plan.data?.critical_path.minutes ?? 0;
            const queue = issues.filter(one => !claims.has(one.bead_id))
                .map(one => ({ ...one, plan: planned.get(one.bead_id), chain: chain(planned.get(one.bead_id), length) }))
                .sort((a, b) => (a.priority ?? 9) - (b.priority ?? 9)
                    || (strategy === 'unblock' ? b.chain - a.chain || (b.plan?.unblocks ?? 0) - (a.plan?.unblocks ?? 0) : 0)
                    || (a.bead_id < b.bead_id ? -1 : 1));
            const shown = queue.filter(one => `${one.bead_id} ${one.title}`.toLowerCase().includes(wanted));
            if (queue.length === 0) return html`<${Empty} title="Nothing is ready">
                <p>Everything that is open is being worked on, or waits for something. <a href=${to(['board'])}>See the board</a></p><//>`;
            return html`<p class="quiet">The most urgent first; ${strategy === 'unblock' ? 'of these, what the longest chain of work follows.' : 'of these, by name.'} Agents take the first by <code>claim-next</code>.</p>
                <ol class="rows queue">${shown.slice(0, Shown).map(one => html`<li key=${one.bead_id} data-row>
                    <span class="place">${queue.indexOf(one) + 1}</span>
                    <${Priority} of=${one.priority} />
                    <span class="grow"><${BeadLink} id=${one.bead_id} title=${one.title} /><span class="quiet second">${why(one, strategy)}</span></span>
                    ${mayWrite() && html`<${Form} label=${`Take ${one.bead_id}`} button="Take it" send=${async () => { await post(`/v1/beads/${encodeURIComponent(one.bead_id)}/claims`, { workspace_id: session.value.agentId }); return 'Yours.'; }} />`}
                </li>`)}</ol>
                ${shown.length > Shown && html`<p class="quiet">and ${shown.length - Shown} more</p>`}`;
        }}<//>`;
}

// The plan tells when a bead can begin and how much later is soon enough; what is left of the longest chain from there is its own.
const chain = (planned, length) => planned ? length - planned.start - planned.slack : 0;

function why(one, strategy) {
    const urgent = one.priority === null || one.priority === undefined ? 'No priority' : `Priority ${one.priority}`;
    if (!one.plan) return urgent;
    const waits = one.plan.unblocks === 0 ? 'nothing waits for it' : one.plan.unblocks === 1 ? '1 bead waits for it' : `${one.plan.unblocks} beads wait for it`;
    const critical = one.plan.slack === 0 && one.plan.unblocks > 0 ? '; on the critical path' : '';
    return strategy === 'unblock' ? `${urgent}; begins a chain of ${minutes(one.chain)} with its own, ${waits}${critical}` : `${urgent}; ${waits}${critical}`;
}

const minutes = n => n === 1 ? '1 minute' : `${n} minutes`;

function Summary({ plan }) {
    return html`<dl class="figures">
        <div><dt>Open</dt><dd>${plan.open_beads}</dd></div>
        <div><dt>Critical path</dt><dd>${minutes(plan.critical_path.minutes)}</dd></div>
        ${plan.stuck_beads > 0 && html`<div><dt>Stuck</dt><dd>${plan.stuck_beads}</dd></div>`}
        <div><dt>Closed in 7 days</dt><dd>${plan.throughput.closed_7_days}</dd></div>
        ${plan.stale_claims.length > 0 && html`<div><dt>Stale claims</dt><dd>${plan.stale_claims.length}</dd></div>`}
        ${plan.forecast?.likely && html`<div><dt>Likely done</dt><dd><${Time} at=${plan.forecast.likely} /></dd></div>`}
    </dl>`;
}
