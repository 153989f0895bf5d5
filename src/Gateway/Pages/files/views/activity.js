import { html, useEffect, useMemo, useRef, useState } from '../lib/preact.js';
import { get, query as asQuery } from '../lib/api.js';
import { useAnswer, useEvents } from '../lib/data.js';
import { session } from '../lib/session.js';
import { Agent, BeadLink, Empty, Problem } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { setQuery, to } from '../lib/router.js';
import { Connect } from './connect.js';

const groups = {
    Beads: ['bead', 'issue'], Tasks: ['task'], Talk: ['message', 'chat', 'escalation'], Locks: ['reservation', 'lock'], Team: ['workspace', 'project'],
    Policy: ['policy'], Webhooks: ['webhook'],
};
const MostShown = 400;
const PageSize = 60;
const Pause = 250;

/** What has happened, newest first, and what happens. */
export default function Activity({ query }) {
    const wanted = useMemo(() => (query.of ?? '').split(',').filter(name => groups[name]), [query.of]);
    const types = useMemo(() => (wanted.length > 0 ? wanted : Object.keys(groups)).flatMap(name => groups[name]).filter(name => name !== 'webhook' || session.value.kind === 'member'), [wanted]);
    const team = useAnswer('/v1/workspaces?limit=200', { on: ['workspace'] });
    const names = useMemo(() => new Map((team.data?.workspaces ?? []).map(one => [one.workspace_id, one.alias])), [team.data]);
    const [events, setEvents] = useState([]);
    const [state, setState] = useState({ isLoading: true, before: null, error: null });
    const fresh = useRef({ events: [], timer: 0 });

    async function older(before) {
        setState(old => ({ ...old, isLoading: true, error: null }));
        try {
            let [found, from] = [[], before];
            do {
                const page = await get(`/v1/activity${asQuery({ event_types: types.join(), limit: PageSize, before: from })}`);
                found = [...found, ...page.events.map(one => ({ ...one.event, id: String(one.position) }))];
                from = page.next_before;
            } while (found.length < PageSize / 4 && from !== null);
            setEvents(old => merged(before === null ? [] : old, found));
            setState({ isLoading: false, before: from, error: null });
        } catch (error) {
            setState(old => ({ ...old, isLoading: false, error }));
        }
    }

    useEffect(() => {
        setEvents([]);
        older(null);
    }, [types.join()]);

    // A burst is drawn four times a second, and no more of it than one would read.
    useEvents(types, found => {
        const waiting = fresh.current;
        waiting.events.push(...found.slice(-MostShown));
        if (waiting.events.length > MostShown) waiting.events = waiting.events.slice(-MostShown);
        waiting.timer ||= setTimeout(() => {
            waiting.timer = 0;
            const news = waiting.events.splice(0).reverse();
            setEvents(old => merged(news, old));
        }, Pause);
    });
    useEffect(() => () => clearTimeout(fresh.current.timer), []);

    const shown = useMemo(() => runs(events), [events]);
    const toggle = name => setQuery({ of: (wanted.includes(name) ? wanted.filter(one => one !== name) : [...wanted, name]).join() });
    return html`
        <div class="head"><h1>Activity</h1></div>
        <div class="chips" role="group" aria-label="What is shown">${Object.keys(groups).map(name => html`<button type="button" aria-pressed=${wanted.includes(name)} onClick=${() => toggle(name)}>${name}</button>`)}</div>
        ${state.error && html`<${Problem} error=${state.error} retry=${() => older(state.before)} />`}
        ${events.length > 0 && html`<ol class="feed" aria-label="Events">${shown.map(({ one, times }) => html`<${Line} key=${one.id} one=${one} times=${times} names=${names} />`)}</ol>`}
        ${events.length === 0 && !state.isLoading && !state.error && (wanted.length > 0
            ? html`<p class="quiet">Nothing of that has happened yet.</p>` : html`<${Empty} title="Nothing has happened yet"><p>Lead an agent here:</p><${Connect} /><//>`)}
        ${state.isLoading ? html`<p class="loading" role="status">Loading…</p>`
            : state.before !== null && events.length < MostShown && html`<p><button type="button" onClick=${() => older(state.before)}>Show older</button></p>`}`;
}

function merged(newer, older) {
    const seen = new Set();
    return [...newer, ...older].sort((a, b) => Number(b.id) - Number(a.id)).filter(one => !seen.has(one.id) && seen.add(one.id)).slice(0, MostShown);
}

/** What the same one did again and again to the same thing is told once. */
function runs(events) {
    const found = [];
    let last = null;
    for (const one of events) {
        const { id, timestamp, ...rest } = one;
        const said = JSON.stringify(rest.webhook_id ? { type: rest.type } : rest);
        if (said === last) found.at(-1).times++;
        else found.push({ one, times: 1 });
        last = said;
    }
    return found;
}

function Line({ one, times, names }) {
    const [category, what] = one.type.split('.', 2);
    const sentence = sentences[one.type]?.(one, names) ?? html`<span>${category} ${what?.replaceAll('_', ' ')}</span>`;
    const alias = one.from_alias ?? (one.alias || names.get(one.workspace_id));
    return html`<li data-row tabindex="-1" class=${category}><${Time} at=${one.timestamp} /><span class="mark" aria-hidden="true"></span>
        <p>${alias && html`<${Agent} alias=${alias} /> `}${sentence}${times > 1 && html` <span class="tag">${times}×</span>`}</p></li>`;
}

const bead = one => html`<${BeadLink} id=${one.bead_id} title=${one.title} />`;
const paths = one => html`<span class="mono">${one.paths.slice(0, 3).join(', ')}${one.paths.length > 3 && ` and ${one.paths.length - 3} more`}</span>`;
const task = one => one.title ? html`“${one.title}”` : html`<span class="id">${one.task_id.slice(0, 8)}</span>`;
const status = text => html`<span class=${`status ${text}`}>${text.replaceAll('_', ' ')}</span>`;

const sentences = {
    'bead.claimed': one => html`took ${bead(one)}`,
    'bead.unclaimed': one => html`let go of ${bead(one)}`,
    'bead.status_changed': one => one.old_status ? html`${bead(one)} ${status(one.old_status)} → ${status(one.new_status)}` : html`brought ${bead(one)} ${status(one.new_status)}`,
    'issue.changed': one => html`edited ${bead(one)}`,
    'issue.removed': one => html`removed ${bead(one)}`,
    'reservation.acquired': one => html`reserved ${paths(one)}`,
    'reservation.released': one => html`gave back ${paths(one)}`,
    'lock.renewed': one => html`keeps ${paths(one)} until <${Time} at=${one.expires_at} />`,
    'message.delivered': one => html`wrote to <strong>${one.to_alias}</strong>${one.subject && html`: <a href=${to(['mail', one.message_id])}>${one.subject}</a>`}`,
    'message.acknowledged': (one, names) => html`has a mail acknowledged by <strong>${names.get(one.workspace_id)}</strong>`,
    'chat.message_sent': one => html`said to <strong>${one.to_aliases.join(', ')}</strong>${one.preview && html`: “${one.preview}”`}`,
    'escalation.created': one => html`asks a human: <a href=${to(['escalations', one.escalation_id])}>${one.subject}</a>`,
    'escalation.responded': one => html`was answered by a human: “${one.response}”`,
    'escalation.expired': one => html`was not answered in time: <a href=${to(['escalations', one.escalation_id])}>${one.subject}</a>`,
    'policy.created': one => html`${one.workspace_id ? 'stored version' : 'Version'} ${one.version} of the <a href=${to(['policy'])}>policy</a>${!one.workspace_id && ' was stored'}`,
    'policy.activated': () => html`Another version of the <a href=${to(['policy'])}>policy</a> is in force`,
    'project.changed': () => html`The project's name or visibility changed, or it was archived`,
    'project.repo_added': one => html`The repository <span class="mono">${one.repo}</span> was added`,
    'project.repo_removed': () => html`A repository was removed`,
    'task.created': one => html`created the task ${task(one)}`,
    'task.changed': one => html`changed the task ${task(one)}`,
    'task.status_changed': one => html`task ${task(one)} ${status(one.old_status)} → ${status(one.new_status)}`,
    'task.deleted': one => html`The task ${task(one)} was deleted`,
    'task.dependency_added': one => html`The task ${task(one)} waits for <span class="id">${one.depends_on_id.slice(0, 8)}</span>`,
    'task.dependency_removed': one => html`The task ${task(one)} waits for <span class="id">${one.depends_on_id.slice(0, 8)}</span> no longer`,
    'task.commented': one => html`commented on the task ${task(one)}`,
    'workspace.joined': () => html`joined`,
    'workspace.opened': () => html`opened a workspace`,
    'workspace.changed': () => html`is somewhere else, or something else, now`,
    'workspace.role_given': one => html`has the role <strong>${one.role}</strong>`,
    'workspace.ended': () => html`left`,
    'workspace.deleted': () => html`workspace deleted`,
    'workspace.restored': () => html`is back`,
    'webhook.failed': () => html`A delivery failed: <a href=${to(['webhooks'])}>webhooks</a>`,
    'webhook.delivered': () => html`An endpoint has taken what happened`,
    'webhook.registered': () => html`An <a href=${to(['webhooks'])}>endpoint</a> was added`,
    'webhook.enabled': () => html`An <a href=${to(['webhooks'])}>endpoint</a> is served again`,
    'webhook.removed': () => html`An endpoint was deleted`,
};
