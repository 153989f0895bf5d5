import { html, Source, use, useEffect, useState } from '../lib/preact.js';
import { del, get, patch, post, put, query as asQuery } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { leads, mayWrite, replaceKey, session } from '../lib/session.js';
import { Field, Form, Lines, Loaded, Problem } from '../lib/ui.js';
import { Sure } from '../lib/sure.js';
import { Time } from '../lib/time.js';

const roles = { lead: 'leads: all of the project', agent: 'works: its own things', observer: 'reads only' };
const day = 86_400;
const lives = [['never', undefined], ['in a day', day], ['in 30 days', 30 * day], ['in a year', 365 * day]];
const overlaps = [['at once', 0], ['in an hour', 3600], ['in a day', day]];

// What is shown once outlives the page that made it: changing one's own key begins a new session.
const secret = new Source(null);

/** Keys, roles, invites and what was done with them. */
export default function Access() {
    const isLead = leads();
    return html`<div class="head"><h1>Access</h1></div><${Secret} />
        ${session.value.key && session.value.agentId && html`<${Keys} title="Your keys" path="/v1/agents/me/keys" isOwn />`}
        <${Rest} base="/v1" isLead=${isLead} />`;
}

/** The same of any project, for administrators. */
export function AccessOf({ project }) {
    return html`<${Secret} /><${Rest} base=${`/v1/projects/${encodeURIComponent(project)}`} isLead />`;
}

function Rest({ base, isLead }) {
    const who = useAnswer(`${base}/roles`, { every: 30 });
    const [done, again] = useState(0);
    const noted = () => again(done + 1);
    return html`
        ${isLead && html`<${Keys} title="Keys of the project" path=${`${base}/keys`} agents=${who.data?.agents ?? []} noted=${noted} />`}
        <section><h2>Roles</h2><${Loaded} of=${who}>${({ agents }) => html`<${Roles} agents=${agents} path=${`${base}/roles`} isLead=${isLead} reload=${() => { who.reload(); noted(); }} />`}<//></section>
        <${Invites} path=${`${base}/invites`} isLead=${isLead} noted=${noted} names=${who.data?.agents ?? []} />
        ${isLead ? html`<${Audit} path=${`${base}/audit`} done=${done} />` : html`<p class="quiet">Keys of others, roles and what was done are for those who lead the project.</p>`}`;
}

function Secret() {
    const shown = use(secret);
    if (!shown) return null;
    return html`<div class="notice" role="status"><p><strong>${shown.what}</strong> It is shown this once.</p><${Lines}>${shown.text}<//>
        <p><button type="button" onClick=${() => { secret.value = null; }}>I have it</button></p></div>`;
}

/** Runs what is asked for, says what went wrong. */
function useActs(after) {
    const [error, setError] = useState(null);
    const act = work => async () => {
        try {
            setError(null);
            await work();
            after();
        } catch (problem) {
            setError(problem);
        }
    };
    return [act, error && html`<${Problem} error=${error} />`];
}

function Keys({ title, path, isOwn = false, agents = [], noted = () => {} }) {
    const [agent, setAgent] = useState('');
    const keys = useAnswer(`${path}${asQuery({ agent_id: isOwn ? undefined : agent, limit: 200 })}`, { every: 30 });
    const [act, problem] = useActs(() => { keys.reload(); noted(); });
    return html`<section aria-label=${title}><div class="head"><h2>${title}</h2>
            ${!isOwn && html`<select aria-label="Whose keys" value=${agent} onChange=${e => setAgent(e.target.value)}><option value="">of all agents</option>${agents.map(one => html`<option value=${one.agent_id}>${one.alias}</option>`)}</select>`}</div>
        ${problem}
        <${Loaded} of=${keys}>${({ keys: all, has_more: hasMore }) => all.length === 0 ? html`<p class="quiet">None.</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label=${title}><table class="grid">
            <thead><tr><th>Key</th>${!isOwn && html`<th>Agent</th>`}<th>Made</th><th>Last used</th><th>State</th><th><span class="hidden">What to do</span></th></tr></thead>
            <tbody>${all.map(one => html`<${Key} key=${one.api_key_id} one=${one} path=${path} isOwn=${isOwn} act=${act} />`)}</tbody></table></div>
            ${hasMore && html`<p class="quiet">There are more: choose an agent.</p>`}`}<//>
        ${!isOwn && html`<details><summary>Issue a key</summary><div class="prose"><${Form} label="Issue a key" button="Issue it" send=${async form => {
            const fields = new FormData(form);
            const life = lives[Number(fields.get('life'))][1];
            const made = await post(path, { agent_id: fields.get('agent'), expires_in_seconds: life });
            secret.value = { what: `A key for ${made.alias}.`, text: made.api_key };
            keys.reload();
            noted();
            return null;
        }}><${Field} label="For"><select name="agent" required>${agents.map(one => html`<option value=${one.agent_id}>${one.alias}</option>`)}</select><//>
            <${Field} label="Ends"><select name="life">${lives.map(([name], i) => html`<option value=${i}>${name}</option>`)}</select><//><//></div></details>`}</section>`;
}

function Key({ one, path, isOwn, act }) {
    const [overlap, setOverlap] = useState(0);
    const isThis = one.api_key_id === session.value.apiKeyId;
    const hasEnded = one.revoked_at || (one.expires_at && new Date(one.expires_at) < new Date());
    async function rotate() {
        const made = await post(isOwn ? `${path}/rotate` : `${path}/${one.api_key_id}/rotate`, { overlap_seconds: overlap });
        secret.value = { what: `The new key of ${made.alias}.`, text: made.api_key };
        if (isThis) replaceKey(made.api_key, made.api_key_id);
    }

    return html`<tr data-row class=${hasEnded ? 'over' : ''}>
        <td data-label="Key"><span class="mono">${one.prefix}…</span>${isThis && html` <span class="tag">this one</span>`}</td>
        ${!isOwn && html`<td data-label="Agent">${one.alias ?? html`<span class="quiet">none</span>`}</td>`}
        <td data-label="Made"><${Time} at=${one.created_at} /></td>
        <td data-label="Last used">${one.last_used_at ? html`<${Time} at=${one.last_used_at} />` : html`<span class="quiet">never</span>`}</td>
        <td data-label="State">${one.revoked_at ? html`<span class="status bad">revoked</span>` : hasEnded ? html`<span class="status">ended</span>`
            : one.expires_at ? html`<span>ends <${Time} at=${one.expires_at} /></span>` : html`<span class="status closed">opens</span>`}</td>
        <td data-label="">${!hasEnded && (mayWrite() || session.value.kind === 'admin') && html`<span class="chips">
            ${(!isOwn || isThis) && one.agent_id && html`<${Sure} question="The old one ends" yes="Change it" act=${act(rotate)}
                more=${html`<select aria-label="When the old one ends" value=${overlap} onChange=${e => setOverlap(Number(e.target.value))}>${overlaps.map(([name, seconds]) => html`<option value=${seconds}>${name}</option>`)}</select>`}>Change<//>`}
            ${!isOwn && (one.expires_at ? html`<button type="button" onClick=${act(() => patch(`${path}/${one.api_key_id}`, { expires_in_seconds: null }))}>Let it live</button>`
                : html`<button type="button" onClick=${act(() => patch(`${path}/${one.api_key_id}`, { expires_in_seconds: 30 * day }))}>End it in 30 days</button>`)}
            <${Sure} question=${isThis ? 'You are signed in by it.' : 'Whoever has it is out at once.'} yes="Revoke it" act=${act(() => del(`${path}/${one.api_key_id}`))}>Revoke<//></span>`}</td></tr>`;
}

function Roles({ agents, path, isLead, reload }) {
    const [act, problem] = useActs(reload);
    return html`${problem}<div class="scroll" tabindex="0" role="region" aria-label="Roles"><table class="grid">
        <thead><tr><th>Agent</th><th>Role</th></tr></thead>
        <tbody>${agents.map(one => html`<tr key=${one.agent_id} data-row><td data-label="Agent"><strong>${one.alias}</strong></td>
            <td data-label="Role">${isLead ? html`<select aria-label=${`Role of ${one.alias}`} value=${one.role} onChange=${e => act(() => put(`${path}/${one.agent_id}`, { role: e.target.value }))()}>
                ${Object.entries(roles).map(([role, what]) => html`<option value=${role} selected=${role === one.role}>${role} (${what})</option>`)}</select>` : html`<span>${one.role}</span>`}</td></tr>`)}</tbody></table></div>`;
}

function Invites({ path, isLead, noted, names }) {
    const invites = useAnswer(path, { every: 30 });
    const [act, problem] = useActs(() => { invites.reload(); noted(); });
    const alias = id => names.find(one => one.agent_id === id)?.alias ?? (id ? 'an agent that is gone' : 'an administrator');
    const mayMake = session.value.kind === 'admin' || mayWrite();
    return html`<section><h2>Invites</h2>${problem}
        <${Loaded} of=${invites}>${({ invites: all }) => all.length === 0 ? html`<p class="quiet">None yet.</p>` : html`<ul class="rows">${all.slice(0, 50).map(one => html`<li key=${one.invite_id} data-row>
            <span><span class=${`status ${one.status === 'open' ? 'closed' : ''}`}>${one.status}</span> ${one.alias ? html`only as <strong>${one.alias}</strong>` : 'for anybody'}${' '}
                <span class="quiet">by ${alias(one.created_by)}, <${Time} at=${one.created_at} />${one.status === 'open' && html`, ends <${Time} at=${one.expires_at} />`}</span></span>
            ${one.status === 'open' && mayMake && (isLead || one.created_by === session.value.agentId) && html`<${Sure} question="Nobody joins by it any more." yes="Revoke it" act=${act(() => del(`${path}/${one.invite_id}`))}>Revoke<//>`}</li>`)}</ul>`}<//>
        ${mayMake && html`<details><summary>Invite somebody</summary><div class="prose"><${Form} label="Invite somebody" button="Make an invite" send=${async form => {
            const only = new FormData(form).get('alias').trim();
            const made = await post(path, { alias: only || undefined });
            secret.value = { what: 'An invite for one agent or person, good for a week.', text: made.url };
            invites.reload();
            noted();
            form.reset();
            return null;
        }}><${Field} label="Only as" hint="Empty: under any alias"><input name="alias" maxlength="64" spellcheck="false" placeholder="an alias" /><//><//></div></details>`}</section>`;
}

function Audit({ path, done }) {
    const first = useAnswer(`${path}?limit=50`, { every: 15 });
    useEffect(() => { if (done > 0) first.reload(); }, [done]);
    const [older, setOlder] = useState({ entries: [], hasMore: null, error: null });
    const entries = [...first.data?.entries ?? [], ...older.entries.filter(one => one.number < first.data?.entries.at(-1)?.number)];
    async function more() {
        try {
            const page = await get(`${path}?limit=50&before=${entries.at(-1).number}`);
            setOlder(old => ({ entries: [...old.entries, ...page.entries], hasMore: page.has_more, error: null }));
        } catch (error) {
            setOlder(old => ({ ...old, error }));
        }
    }

    return html`<section><h2>What was done</h2><${Loaded} of=${first}>${data => entries.length === 0 ? html`<p class="quiet">Nothing yet.</p>` : html`
        <ul class="rows" aria-label="What was done">${entries.map(one => html`<li key=${one.number} data-row><span><strong>${one.action}</strong> ${one.count > 1 && `${one.count}×`}
            by ${one.by_alias ?? one.by} <span class="quiet">${one.detail}</span></span><${Time} at=${one.at} /></li>`)}</ul>
        ${older.error && html`<${Problem} error=${older.error} />`}
        ${(older.hasMore ?? data.has_more) && html`<p><button type="button" onClick=${more}>Show older</button></p>`}`}<//></section>`;
}
