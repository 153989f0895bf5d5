import { html } from '../lib/preact.js';
import { useAnswer } from '../lib/data.js';
import { mayWrite, session } from '../lib/session.js';
import { Agent, BeadLink, Empty, Loaded } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { setQuery, to } from '../lib/router.js';
import { Connect } from './connect.js';

/** Who is there, where, on what, since when, and waiting for whom. */
export default function Team({ query }) {
    const isMember = session.value.kind === 'member';
    const status = useAnswer('/v1/status', { on: ['bead', 'escalation', 'workspace', 'task', 'agent'], every: 15 });
    const asked = useAnswer(isMember ? '/v1/escalations?status=pending&limit=200' : null, { on: ['escalation'], every: 60 });
    const wanted = (query.q ?? '').toLowerCase();
    return html`
        <div class="head"><h1>Team</h1>
            <input type="search" data-search placeholder="Search  /" aria-label="Search the team" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        <${Loaded} of=${status}>${answer => {
            if (answer.agents.length === 0) return html`<${Empty} title="Nobody has connected yet"><p>Lead an agent here:</p><${Connect} /><//>`;
            const claims = group(answer.claims, 'workspace_id');
            const waiting = group(asked.data?.escalations ?? [], 'alias');
            const shown = answer.agents
                .filter(one => `${one.alias} ${one.human_name} ${one.role} ${one.canonical_origin} ${(claims[one.workspace_id] ?? []).map(c => `${c.bead_id} ${c.title}`)}`.toLowerCase().includes(wanted))
                .sort((a, b) => order(a) - order(b) || a.alias.localeCompare(b.alias));
            return html`
                ${answer.conflicts.length > 0 && html`<div class="notice" role="status">${answer.conflicts.map(one => html`<p>
                    <${BeadLink} id=${one.bead_id} /> is worked on by ${one.claimants.map(c => c.alias).join(', ')} at once</p>`)}</div>`}
                <div class="scroll" tabindex="0" role="region" aria-label="Team"><table class="grid">
                    <thead><tr><th>Agent</th><th>On what</th><th>Since</th><th>Waits for</th><th>Where</th><th>Seen</th></tr></thead>
                    <tbody>${shown.map(one => html`<tr key=${one.workspace_id} data-row>
                        <td data-label="Agent"><${Agent} alias=${one.alias} presence=${one.status} />
                            <span class="quiet second">${[one.role, one.human_name && `for ${one.human_name}`].filter(Boolean).join(', ')}</span></td>
                        <td data-label="On what">${(claims[one.workspace_id] ?? []).map(claim => html`<div><${BeadLink} id=${claim.bead_id} title=${claim.title} /></div>`)}
                            ${!claims[one.workspace_id] && html`<span class="quiet">nothing</span>`}</td>
                        <td data-label="Since">${(claims[one.workspace_id] ?? []).map(claim => html`<div><${Time} at=${claim.claimed_at} plain /></div>`)}</td>
                        <td data-label="Waits for">${(waiting[one.alias] ?? []).map(question => html`<div><a class="waits" href=${to(['escalations', question.escalation_id])}>a human: ${question.subject}</a></div>`)}</td>
                        <td data-label="Where"><span class="mono">${one.canonical_origin}</span> <span class="quiet mono">${one.current_branch}</span>
                            <span class="quiet second">${one.program}</span></td>
                        <td data-label="Seen"><${Time} at=${one.last_seen} />
                            ${mayWrite() && one.alias !== session.value.alias && html`<a class="second" href=${to(['mail'], { to: one.alias })}>write</a>`}</td>
                    </tr>`)}</tbody>
                </table></div>
                ${shown.length === 0 && html`<p class="quiet">Nobody matches “${query.q}”.</p>`}`;
        }}<//>`;
}

const order = one => ({ active: 0, idle: 1 }[one.status] ?? 2);

function group(items, by) {
    const groups = {};
    for (const one of items) (groups[one[by]] ??= []).push(one);
    return groups;
}
