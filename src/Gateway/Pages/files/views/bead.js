import { html } from '../lib/preact.js';
import { patch, post } from '../lib/api.js';
import { isDone, useBeads } from '../lib/beads.js';
import { useAnswer, useEvents } from '../lib/data.js';
import { Markdown } from '../lib/markdown.js';
import { mayWrite, session } from '../lib/session.js';
import { to } from '../lib/router.js';
import { Agent, BeadLink, Form, Loaded, Priority, Status } from '../lib/ui.js';
import { Time } from '../lib/time.js';

const Texts = [['description', null], ['design', 'Design'], ['acceptance_criteria', 'Done when'], ['notes', 'Notes'], ['close_reason', 'Why it was closed']];
const Statuses = ['open', 'in_progress', 'blocked', 'deferred', 'closed'];

/** One bead whole: its texts, what it waits for and what waits for it, who works on it, what was said about it. */
export default function Bead({ parts: [id] }) {
    const { all } = useBeads();
    const bead = useAnswer(`/v1/beads/issues/${encodeURIComponent(id)}`);
    const claims = useAnswer(`/v1/beads/${encodeURIComponent(id)}/claims`);
    useEvents(['bead'], events => {
        if (!events.some(event => event.bead_id === id)) return;
        bead.reload();
        claims.reload();
    });

    return html`<${Loaded} of=${bead}>${one => {
        const waiting = [...all.values()].filter(other => (other.blocked_by ?? []).some(blocker => blocker.bead_id === id));
        const parts = [...all.values()].filter(other => other.parent_id?.bead_id === id || other.parent_id === id);
        const parent = one.parent_id?.bead_id ?? one.parent_id;
        return html`
            <p class="path"><a href=${to(['board'])}>Board</a> / <span class="id">${one.bead_id}</span></p>
            <h1 class="beadtitle">${one.title}</h1>
            <p class="facts"><${Status} of=${one.status} /> <${Priority} of=${one.priority} /> <span>${one.type}</span>
                ${(one.labels ?? []).map(label => html`<a class="tag" href=${to(['board'], { label })}>${label}</a>`)}
                ${one.assignee && html`<span>for <strong>${one.assignee}</strong></span>`}
                <span class="quiet">${one.created_by && `by ${one.created_by}, `}changed <${Time} at=${one.updated_at} /></span>
                ${session.value.kind === 'member' && html`<a href=${to(['history', id])}>History</a>`}</p>
            <div class="two">
                <div>
                    ${Texts.map(([name, title]) => one[name] && html`<section>${title && html`<h2>${title}</h2>`}<${Markdown} text=${one[name]} /></section>`)}
                    ${!one.description && html`<p class="quiet">No description.</p>`}
                    <h2>Comments</h2>
                    ${(one.comments ?? []).map(said => html`<article class="said"><p class="quiet"><strong>${said.author}</strong> <${Time} at=${said.created_at} /></p>
                        <${Markdown} text=${said.text} /></article>`)}
                    ${!one.comments?.length && html`<p class="quiet">None yet.</p>`}
                    ${mayWrite() && html`<${Form} label="Comment" button="Comment" send=${async form => {
                        await post(`/v1/beads/issues/${encodeURIComponent(id)}/comments`, { text: new FormData(form).get('text'), repo: one.repo, branch: one.branch });
                        form.reset();
                        bead.reload();
                        return 'Written.';
                    }}><textarea name="text" required aria-label="Comment" placeholder="Markdown"></textarea><//>`}
                </div>
                <aside>
                    <h2>Who works on it</h2>
                    <${Loaded} of=${claims}>${({ claims: of }) => of.length === 0 ? html`<p class="quiet">Nobody</p>`
                        : html`<ul>${of.map(claim => html`<li><${Agent} alias=${claim.alias} /> <span class="quiet">since <${Time} at=${claim.claimed_at} plain /></span></li>`)}</ul>`}<//>
                    <${Related} title="Waits for" of=${(one.blocked_by ?? []).map(other => all.get(other.bead_id) ?? other)} />
                    <${Related} title="Waits for this" of=${waiting} />
                    ${parent && html`<${Related} title="Part of" of=${[all.get(parent) ?? { bead_id: parent }]} />`}
                    <${Related} title="Parts" of=${parts} />
                    <h2>Where</h2><p class="mono">${one.repo}<br /><span class="quiet">${one.branch}</span></p>
                    ${mayWrite() && html`<h2>Change</h2>
                        <${Form} label="Change" button="Save" send=${async form => {
                            const fields = new FormData(form);
                            await patch(`/v1/beads/issues/${encodeURIComponent(id)}`, { status: fields.get('status'), priority: Number(fields.get('priority')), repo: one.repo, branch: one.branch });
                            bead.reload();
                            claims.reload();
                            return 'Saved.';
                        }}><div class="row" key=${`${one.status} ${one.priority}`}>
                            <select name="status" aria-label="Status">${(Statuses.includes(one.status) ? Statuses : [one.status, ...Statuses]).map(status => html`<option value=${status} selected=${status === one.status}>${status.replace('_', ' ')}</option>`)}</select>
                            <select name="priority" aria-label="Priority">${[0, 1, 2, 3, 4].map(p => html`<option value=${p} selected=${p === one.priority}>P${p}</option>`)}</select>
                        </div><//>`}
                </aside>
            </div>`;
    }}<//>`;
}

function Related({ title, of }) {
    if (of.length === 0) return null;
    return html`<h2>${title}</h2><ul>${of.slice(0, 100).map(one => html`<li class=${one.status && isDone(one) ? 'done' : ''}>
        <${BeadLink} id=${one.bead_id} title=${one.title} row /></li>`)}${of.length > 100 && html`<li class="quiet">and ${of.length - 100} more</li>`}</ul>`;
}
