import { html } from '../lib/preact.js';
import { all, useAnswer } from '../lib/data.js';
import { mayWrite, session } from '../lib/session.js';
import { Agent, BeadLink, Empty, Loaded } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { setQuery, to } from '../lib/router.js';
import { Connect } from './connect.js';

const workspaces = (path, options) => all(path, 'workspaces', 2_000, options);

/** Who is there, where, on what, since when, and waiting for whom. */
export default function Team({ query }) {
    const isMember = session.value.kind === 'member';
    const members = useAnswer('/v1/workspaces?include_claims=true&include_presence=true&limit=200',
        { on: ['bead', 'escalation', 'workspace', 'task', 'agent'], every: 15, load: workspaces });
    // Who works from no repository: people, and agents that only talk.
    const agents = useAnswer('/v1/agents', { on: ['workspace', 'agent'], every: 30 });
    const asked = useAnswer(isMember ? '/v1/escalations?status=pending&limit=200' : null, { on: ['escalation'], every: 60 });
    const wanted = (query.q ?? '').toLowerCase();
    return html`
        <div class="head"><h1>Team</h1>
            <input type="search" data-search placeholder="Search  /" aria-label="Search the team" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        <${Loaded} of=${members}>${of => {
            const known = new Set(of.map(one => one.alias));
            const rest = (agents.data?.agents ?? []).filter(one => !known.has(one.alias));
            const everybody = [...of, ...rest];
            const waiting = {};
            for (const one of asked.data?.escalations ?? []) (waiting[one.alias] ??= []).push(one);
            const isAlone = everybody.every(one => one.alias === session.value.alias || one.agent_type === 'human');
            const shown = everybody.filter(one => text(one).includes(wanted)).sort((a, b) => order(a) - order(b) || a.alias.localeCompare(b.alias));
            return html`
                ${shown.length > 0 && html`<div class="scroll"><table class="grid">
                    <thead><tr><th>Agent</th><th>On what</th><th>Since</th><th>Waits for</th><th>Where</th><th>Seen</th></tr></thead>
                    <tbody>${shown.map(one => html`<${Row} key=${one.alias} of=${one} asks=${waiting[one.alias] ?? []} />`)}</tbody>
                </table></div>`}
                ${shown.length === 0 && everybody.length > 0 && html`<p class="quiet">Nobody matches “${query.q}”.</p>`}
                ${isAlone && agents.data && html`<${Empty} title=${everybody.length > 0 ? 'You are alone here' : 'Nobody has connected yet'}><p>Lead an agent here:</p><${Connect} /><//>`}`;
        }}<//>`;
}

function Row({ of, asks }) {
    const claims = of.claims ?? [];
    return html`<tr data-row>
        <td data-label="Agent"><${Agent} alias=${of.alias} presence=${of.status} />
            <span class="quiet second">${[of.agent_type === 'human' ? 'person' : of.role, of.human_name && of.agent_type !== 'human' && `for ${of.human_name}`].filter(Boolean).join(', ')}</span></td>
        <td data-label="On what">${claims.map(claim => html`<div><${BeadLink} id=${claim.bead_id} title=${claim.title} /></div>`)}
            ${claims.length === 0 && html`<span class="quiet">nothing</span>`}</td>
        <td data-label="Since">${claims.map(claim => html`<div><${Time} at=${claim.claimed_at} plain /></div>`)}</td>
        <td data-label="Waits for">${asks.map(question => html`<div><a class="waits" href=${to(['escalations', question.escalation_id])}>a human: ${question.subject}</a></div>`)}</td>
        <td data-label="Where"><div><span class="mono">${of.repo}</span> <span class="quiet mono">${of.branch}</span></div>
            <span class="quiet second">${[of.program, of.hostname].filter(Boolean).join(' on ')}</span></td>
        <td data-label="Seen"><${Time} at=${of.last_seen} />
            ${mayWrite() && of.alias !== session.value.alias && html`<a class="second" href=${to(['mail', 'new'], { to: of.alias })}>write</a>`}</td>
    </tr>`;
}

const text = one => [one.alias, one.human_name, one.role, one.repo, ...(one.claims ?? []).flatMap(claim => [claim.bead_id, claim.title])].join(' ').toLowerCase();

const order = one => ({ active: 0, online: 0, idle: 1 }[one.status] ?? 2);
