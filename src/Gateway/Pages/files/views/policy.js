import { html, useEffect, useMemo, useState } from '../lib/preact.js';
import { get, post } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { mayWrite } from '../lib/session.js';
import { Field, Form, Loaded, Problem } from '../lib/ui.js';
import { Sure } from '../lib/sure.js';
import { Time } from '../lib/time.js';
import { Markdown } from '../lib/markdown.js';
import { diff, merge } from '../lib/diff.js';

/** What is expected of everybody and of each role: read, changed, compared. */
export default function Policy() {
    const active = useAnswer('/v1/policies/active', { on: ['policy'] });
    const history = useAnswer('/v1/policies/history?limit=50', { on: ['policy'] });
    return html`<${Loaded} of=${active}>${policy => html`<${Editor} active=${policy} history=${history} />`}<//>`;
}

// A draft is kept in the tab: neither a reload nor another view takes it away.
const keyOf = projectId => `beadhub.policy.${projectId}`;

function kept(projectId) {
    try {
        const draft = JSON.parse(sessionStorage.getItem(keyOf(projectId)));
        return draft?.base?.policy_id && draft?.texts ? draft : null;
    } catch {
        return null;
    }
}

function Editor({ active, history }) {
    const [draft, setDraft] = useState(() => kept(active.project_id));
    const [compared, setCompared] = useState(null);
    const [said, setSaid] = useState(null);
    useEffect(() => {
        try {
            if (draft) sessionStorage.setItem(keyOf(active.project_id), JSON.stringify(draft));
            else sessionStorage.removeItem(keyOf(active.project_id));
        } catch {
            // A draft larger than what a tab may keep lives as long as this page.
        }
    }, [draft]);

    // Somebody else's version came into force while this one was written: it is told at once, not when it is sent.
    const isOvertaken = draft !== null && draft.base.policy_id !== active.policy_id;
    const own = useMemo(() => textsOf(active), [active]);
    const isChanged = draft !== null && textOf(draft.texts) !== textOf(textsOf(draft.base));
    const stop = useMemo(() => event => event.preventDefault(), []);
    useEffect(() => {
        if (!isChanged) return undefined;
        addEventListener('beforeunload', stop);
        return () => removeEventListener('beforeunload', stop);
    }, [isChanged]);

    async function save() {
        const sent = draft;
        try {
            const { version } = await post('/v1/policies', { bundle: bundleOf(sent.texts, sent.base.adapters), base_policy_id: sent.base.policy_id, activate: true });
            setDraft(null);
            setSaid(`Version ${version} is in force.`);
            return null;
        } catch (error) {
            if (error.status !== 409) throw error;
            // The event that would tell may be on its way still.
            throw new Error('Another version is in force by now. Nothing of yours is lost: see above what differs, take theirs in, and save again.');
        }
    }

    function leave() {
        setDraft(null);
        setCompared(null);
        setSaid(null);
    }

    function takeIn() {
        const { texts, disputed, taken } = rebased(textsOf(draft.base), draft.texts, own);
        setDraft({ base: active, texts, disputed });
        setSaid(`${taken} of their changes were taken in; ${Object.keys(disputed).length} parts both of you have changed hold yours.`);
    }

    return html`
        <div class="head"><h1>Policy</h1><span class="quiet">version ${active.version}, in force since <${Time} at=${active.updated_at} /></span>
            ${mayWrite() && !draft && html`<button type="button" class="main" onClick=${() => { setSaid(null); setDraft({ base: active, texts: own, disputed: {} }); }}>Edit</button>`}</div>
        ${said && html`<p role="status" class="notice">${said}</p>`}
        ${isOvertaken && html`<section class="overtaken" role="alert">
            <p><strong>Version ${active.version} came into force while you were editing version ${draft.base.version}.</strong> Yours is all here; this is what they have changed:</p>
            <${Difference} before=${textOf(textsOf(draft.base))} after=${textOf(own)} />
            <p><button type="button" class="main" onClick=${takeIn}>Take their changes in and go on with mine</button>
                <button type="button" onClick=${() => setCompared({ before: own, after: draft.texts, title: 'What yours would change about theirs' })}>Compare mine with theirs</button></p>
        </section>`}
        ${draft
            ? html`<${Draft} draft=${draft} change=${texts => setDraft({ ...draft, texts })} settle=${id => setDraft({ ...draft, disputed: without(draft.disputed, id) })} />
                <${Form} send=${save} button="Save and put in force" disabled=${isOvertaken || !isChanged} label="Save">
                    <div class="chips"><button type="button" aria-pressed=${compared !== null} onClick=${() => setCompared(compared ? null : { before: textsOf(draft.base), after: null, title: 'What you have changed' })}>Show my changes</button>
                    ${isChanged ? html`<${Sure} question="Your changes will be gone." yes="Throw them away" act=${leave}>Cancel<//>` : html`<button type="button" onClick=${leave}>Cancel</button>`}</div>
                <//>`
            : html`<${Shown} policy=${active} />`}
        ${compared && html`<section><h2>${compared.title}</h2><${Difference} before=${textOf(compared.before)} after=${textOf(compared.after ?? draft?.texts ?? own)} /></section>`}
        <${Versions} history=${history} active=${active} isEditing=${draft !== null} compare=${setCompared} say=${setSaid} />`;
}

function Shown({ policy }) {
    const own = Object.entries(policy.roles);
    return html`
        <section><h2>For everybody</h2>${policy.invariants.length === 0 && html`<p class="quiet">Nothing.</p>`}
            ${policy.invariants.map(one => html`<details class="part" key=${one.id}><summary><strong>${one.title || one.id}</strong> <span class="id quiet">${one.id}</span></summary><${Markdown} text=${one.body_md} /></details>`)}</section>
        <section><h2>By role</h2>${own.length === 0 && html`<p class="quiet">No role has a playbook.</p>`}
            ${own.map(([role, one]) => html`<details class="part" key=${role}><summary><strong>${one.title || role}</strong> <span class="id quiet">${role}</span></summary><${Markdown} text=${one.playbook_md} /></details>`)}</section>`;
}

/** The parts of a policy: [{ part: 'invariant' | 'role', id, title, body, more }], in their order. */
function textsOf(policy) {
    return [
        ...policy.invariants.map(({ id, title, body_md: body, ...more }) => ({ part: 'invariant', id, title, body, more })),
        ...Object.entries(policy.roles).map(([id, { title, playbook_md: body, ...more }]) => ({ part: 'role', id, title, body, more })),
    ];
}

function bundleOf(texts, adapters) {
    const of = part => texts.filter(one => one.part === part);
    return {
        invariants: of('invariant').map(one => ({ ...one.more, id: one.id, title: one.title, body_md: one.body })),
        roles: Object.fromEntries(of('role').map(one => [one.id, { ...one.more, title: one.title, playbook_md: one.body }])),
        adapters: adapters ?? {},
    };
}

const nameOf = one => `${one.part} ${one.id}`;

/** A policy as one text, to be compared. */
const textOf = texts => texts.map(one => `## ${one.part === 'role' ? 'Role' : 'For everybody'}: ${one.title} (${one.id})\n\n${one.body}\n`).join('\n');

/** My changes of a base, made to theirs: a part that only one of us changed is that one's; one that both changed stays mine, and is shown. */
function rebased(base, mine, theirs) {
    const by = texts => new Map(texts.map(one => [nameOf(one), one]));
    const [old, own, other] = [by(base), by(mine), by(theirs)];
    const disputed = {};
    let taken = 0;
    const texts = [];
    const json = one => one ? JSON.stringify([one.title, one.body]) : null;
    for (const name of new Set([...other.keys(), ...own.keys()])) {
        const { value, isTaken, isDisputed } = merge(json(old.get(name)), json(own.get(name)), json(other.get(name)));
        if (isTaken) taken++;
        // What I have deleted and they have changed comes back, for me to look at.
        const isGone = value === null && isDisputed;
        if (isDisputed) disputed[name] = other.get(name) ?? null;
        if (value === null && !isGone) continue;
        const from = isGone ? other.get(name) : own.get(name) ?? other.get(name);
        const [title, body] = JSON.parse(isGone ? json(other.get(name)) : value);
        texts.push({ ...from, title, body });
    }
    return { texts, disputed, taken };
}

function without(all, name) {
    const { [name]: _, ...rest } = all;
    return rest;
}

function Draft({ draft, change, settle }) {
    const { texts, disputed } = draft;
    const set = (i, fields) => change(texts.map((one, at) => at === i ? { ...one, ...fields } : one));
    const add = part => event => {
        event.preventDefault();
        const field = event.target.elements.id;
        const id = field.value.trim();
        if (id === '' || texts.some(one => one.part === part && one.id === id)) return;
        change([...texts, { part, id, title: id, body: '', more: {} }]);
        field.value = '';
    };
    return html`<div class="draft">${['invariant', 'role'].map(part => html`<section><h2>${part === 'role' ? 'By role' : 'For everybody'}</h2>
        ${texts.map((one, i) => one.part === part && html`<fieldset key=${nameOf(one)} class=${disputed[nameOf(one)] !== undefined ? 'disputed' : ''}>
            <legend class="id">${one.id}</legend>
            <${Field} label="Title"><input value=${one.title} onInput=${e => set(i, { title: e.target.value })} /><//>
            <${Field} label="Text, in Markdown"><textarea rows=${Math.min(18, Math.max(4, one.body.split('\n').length))} value=${one.body} onInput=${e => set(i, { body: e.target.value })}></textarea><//>
            <button type="button" class="link" onClick=${() => change(texts.filter((_, at) => at !== i))}>Delete</button>
            ${disputed[nameOf(one)] !== undefined && html`<${Disputed} mine=${one} theirs=${disputed[nameOf(one)]} take=${theirs => {
                change(theirs ? texts.map((of, at) => at === i ? { ...of, title: theirs.title, body: theirs.body } : of) : texts.filter((_, at) => at !== i));
            }} settle=${() => settle(nameOf(one))} />`}
        </fieldset>`)}
        <form class="chips" onSubmit=${add(part)}><input name="id" maxlength="64" aria-label=${part === 'role' ? 'Name of a new role' : 'Name of a new rule'}
            placeholder=${part === 'role' ? 'role, as agents give it' : 'rule, for example testing.first'} /><button type="submit">${part === 'role' ? 'Add a role' : 'Add a rule'}</button></form></section>`)}</div>`;
}

function Disputed({ mine, theirs, take, settle }) {
    return html`<div class="notice"><p>Both of you have changed this. ${theirs ? 'Yours stands above; theirs differs:' : 'They have deleted it.'}</p>
        ${theirs && html`<${Difference} before=${`${mine.title}\n\n${mine.body}`} after=${`${theirs.title}\n\n${theirs.body}`} />`}
        <button type="button" onClick=${() => take(theirs)}>Take theirs</button> <button type="button" onClick=${settle}>Keep mine</button></div>`;
}

const Near = 3;

/** Changed lines, with a few around them. */
function Difference({ before, after }) {
    const lines = useMemo(() => diff(before, after), [before, after]);
    const shown = useMemo(() => {
        const near = new Uint8Array(lines.length);
        lines.forEach((line, i) => {
            if (line.kind !== 'same') near.fill(1, Math.max(0, i - Near), i + Near + 1);
        });
        return lines.map((line, i) => near[i] ? line : null);
    }, [lines]);
    if (lines.every(line => line.kind === 'same')) return html`<p class="quiet">No difference.</p>`;
    return html`<pre class="diff" tabindex="0" aria-label="Difference">${shown.map((line, i) => line
        ? html`<span class=${line.kind}><b aria-hidden="true">${{ same: ' ', gone: '−', new: '+' }[line.kind]}</b>${line.kind !== 'same' && html`<span class="hidden">${line.kind === 'new' ? 'added: ' : 'removed: '}</span>`}${line.text || ' '}\n</span>`
        : i === 0 || shown[i - 1] ? html`<span class="quiet">⋯\n</span>` : null)}</pre>`;
}

function Versions({ history, active, isEditing, compare, say }) {
    const [error, setError] = useState(null);
    const run = work => async () => {
        try {
            setError(null);
            await work();
        } catch (problem) {
            setError(problem);
        }
    };
    const show = id => run(async () => {
        const other = await get(`/v1/policies/${id}`);
        compare({ before: textsOf(other), after: textsOf(active), title: `What version ${active.version} changed since version ${other.version}` });
    });
    const restore = (id, version) => run(async () => {
        await post(`/v1/policies/${id}/activate`);
        say(`Version ${version} is in force again.`);
    });
    return html`<section><h2>Versions</h2>${error && html`<${Problem} error=${error} />`}
        <${Loaded} of=${history}>${({ policies }) => html`<ul class="rows versions">${policies.map(one => html`<li key=${one.policy_id}>
            <span><strong>Version ${one.version}</strong> <span class="quiet">stored <${Time} at=${one.created_at} /></span></span>
            <span>${one.is_active ? html`<span class="status closed">in force</span>` : html`
                <button type="button" onClick=${show(one.policy_id)}>Compare</button>
                ${mayWrite() && !isEditing && html` <${Sure} question="It replaces the version in force." yes=${`Put version ${one.version} in force`} act=${restore(one.policy_id, one.version)}>Put in force<//>`}`}</span>
        </li>`)}</ul>`}<//></section>`;
}
