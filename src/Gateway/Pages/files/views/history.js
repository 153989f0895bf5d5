import { html, useEffect, useState } from '../lib/preact.js';
import { del, get, patch, post, query as asQuery } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { diff } from '../lib/diff.js';
import { leads, mayWrite } from '../lib/session.js';
import { go, setQuery, to } from '../lib/router.js';
import { BeadLink, Copy, Empty, Field, Form, Loaded, Problem } from '../lib/ui.js';
import { Sure } from '../lib/sure.js';
import { Time } from '../lib/time.js';

const Working = 'WORKING';
// A text of more lines, or longer ones, is shown without looking for what its halves have in common.
const LongText = 64 * 1024;
const Shown = 4_000;

/** Versions of all beads: commits, what differs between two, tags and branches; and what happened to one bead. */
export default function History({ parts: [bead], query }) {
    if (bead) return html`<${OfBead} id=${bead} query=${query} />`;
    if (query.at) return html`<${Commit} key=${query.at} version=${query.at} />`;
    if (query.from) return html`<${Compared} from=${query.from} until=${query.to ?? Working} />`;
    return html`<${Log} start=${query.start} />`;
}

const short = id => id.slice(0, 10);
const version = id => to(['history'], { at: id });

/** What a list of the API holds, page by page as it is asked for. */
function usePages(path, list) {
    const first = useAnswer(path);
    const [more, setMore] = useState({ of: null, items: [], next: null, error: null, busy: false });
    // The first page comes again whenever something happens: what was read after it stays while it ends where it did.
    const end = first.data && `${path} ${first.data.next_cursor}`;
    const isMine = more.of === end;
    const next = isMine ? more.next : first.data?.next_cursor;
    async function load() {
        setMore(old => ({ ...old, busy: true, error: null }));
        try {
            const page = await get(`${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(next)}`);
            setMore(old => ({ of: end, items: [...(isMine ? old.items : []), ...page[list]], next: page.next_cursor, error: null, busy: false }));
        } catch (error) {
            setMore(old => ({ ...old, busy: false, error }));
        }
    }

    const items = first.data ? [...first.data[list], ...(isMine ? more.items : [])] : [];
    return { first, items, more: html`${more.error && html`<${Problem} error=${more.error} />`}
        ${next && html`<p><button type="button" disabled=${more.busy} onClick=${load}>Show more</button></p>`}` };
}

function Log({ start }) {
    const state = useAnswer('/v1/beads/history', { on: ['bead', 'issue'], every: 30 });
    const tags = useAnswer('/v1/beads/tags');
    const branches = useAnswer('/v1/beads/branches');
    const log = usePages(`/v1/beads/commits${asQuery({ from: start, limit: 50 })}`, 'commits');
    const reload = () => { for (const one of [state, tags, branches, log.first]) one.reload(); };
    useEffect(() => { if (state.data) reload(); }, [state.data?.head]);
    return html`<div class="head"><h1>History</h1>
            <${Compare} refs=${[...tags.data?.refs ?? [], ...branches.data?.refs ?? []]} commits=${log.items} /></div>
        <${Loaded} of=${state}>${at => html`
            ${at.merging && html`<div class="notice" role="status"><p>A merge waits for decisions: <code>beadhub history merge</code> shows them.</p></div>`}
            <div class="two"><div>
                ${at.head && html`<p><a href=${to(['history'], { from: 'HEAD' })}>What stands, and is in no commit yet</a></p>`}
                ${log.first.error && at.head ? html`<${Problem} error=${log.first.error} retry=${log.first.reload} />` : null}
                ${!at.head ? html`<${Empty} title="No commits yet"><p>A commit is a version of all beads, to which one can go back:</p>
                    <p><code>beadhub history commit -m "before the big renaming"</code></p><//>`
                : html`<ul class="rows commits" aria-label="Commits">${log.items.map(one => html`<li key=${one.id} data-row>
                    <span><a href=${version(one.id)}><strong>${first(one.message)}</strong></a> <${Names} of=${one} /><span class="second quiet">${one.author}
                        <span class="mono">${short(one.id)}</span>${one.parents.length > 1 && ', a merge'}</span></span><${Time} at=${one.time} /></li>`)}</ul>${log.more}`}
            </div>
            <aside>
                <h2>Commits</h2><p>${at.commits} <span class="quiet">${at.commit_mode === 'command' ? 'one after each sync that changed something' : 'when somebody makes one'}</span></p>
                ${leads() && html`<p><button type="button" onClick=${async () => { await patch('/v1/beads/history', { commit_mode: at.commit_mode === 'command' ? 'manual' : 'command' }); state.reload(); }}>
                    ${at.commit_mode === 'command' ? 'Commit only when asked' : 'Commit after each sync'}</button></p>`}
                ${mayWrite() && html`<${Form} label="Commit what stands" button="Commit what stands" send=${async form => {
                    const made = await post('/v1/beads/commits', { message: new FormData(form).get('message') });
                    form.reset();
                    reload();
                    return made.committed ? 'Committed.' : 'Nothing has changed since the last commit.';
                }}><input name="message" class="full" required maxlength="4096" aria-label="What for" placeholder="What for" /><//>`}
                <${Refs} title="Tags" of=${tags} path="/v1/beads/tags" reload=${reload} />
                <${Refs} title="Branches" of=${branches} path="/v1/beads/branches" reload=${reload} />
            </aside></div>`}<//>`;
}

const first = message => message.split('\n', 1)[0];

function Names({ of }) {
    return [...of.branches.map(name => ['branch', name]), ...of.tags.map(name => ['tag', name])]
        .map(([kind, name]) => html`<span class=${`tag ${kind}`} title=${kind}>${name}</span> `);
}

/** Two versions, by name. */
function Compare({ refs, commits }) {
    return html`<form class="filters" aria-label="Compare" onSubmit=${event => {
        event.preventDefault();
        const fields = new FormData(event.target);
        go(['history'], { from: fields.get('from').trim(), to: fields.get('to').trim() || Working });
    }}>
        <input name="from" required list="versions" aria-label="From" placeholder="HEAD~1, a tag, a time" autocomplete="off" spellcheck="false" />
        <input name="to" list="versions" aria-label="To" placeholder="what stands" autocomplete="off" spellcheck="false" />
        <datalist id="versions"><option value="HEAD">the newest commit</option><option value="HEAD~1">the one before</option>
            ${refs.map(one => html`<option value=${one.name}>${short(one.commit)}</option>`)}
            ${commits.slice(0, 50).map(one => html`<option value=${short(one.id)}>${first(one.message)}</option>`)}</datalist>
        <button>Compare</button></form>`;
}

function Refs({ title, of, path, reload }) {
    const [error, setError] = useState(null);
    return html`<h2>${title}</h2>${error && html`<${Problem} error=${error} />`}
        <${Loaded} of=${of}>${({ refs }) => refs.length === 0 ? html`<p class="quiet">None</p>` : html`<ul class="refs">${refs.map(one => html`<li key=${one.name}>
            <a href=${version(one.commit)} title=${one.message}>${one.name}</a> <span class="mono quiet">${short(one.commit)}</span>
            ${mayWrite() && one.name !== 'main' && html` <${Sure} kind="link" question=${`Delete ${one.name}?`} yes="Delete" act=${async () => {
                try {
                    setError(null);
                    await del(`${path}${asQuery({ name: one.name })}`);
                    reload();
                } catch (problem) {
                    setError(problem);
                }
            }}>delete<//>`}</li>`)}</ul>`}<//>`;
}

function Commit({ version: id }) {
    const commit = useAnswer(`/v1/beads/commits/${encodeURIComponent(id)}`);
    return html`<p class="path"><a href=${to(['history'])}>History</a> / <span class="id">${id.length > 20 ? short(id) : id}</span></p>
        <${Loaded} of=${commit}>${one => html`<h1>${first(one.message)} <${Names} of=${one} /></h1>
            ${one.message.includes('\n') && html`<pre class="message">${one.message.slice(first(one.message).length + 1)}</pre>`}
            <p class="facts"><span><strong>${one.author}</strong>, <${Time} at=${one.time} /></span> <span class="mono">${short(one.id)} <${Copy} text=${one.id} label="Copy its id" /></span>
                ${one.parents.map((parent, i) => html`<a href=${version(parent)}>${i === 0 ? 'the one before' : 'what was merged'}</a>`)}
                <a href=${to(['history'], { from: one.id, to: Working })}>compare with what stands</a></p>
            <div class="two"><div>${one.parents.length > 0 ? html`<${Differences} from=${one.parents[0]} until=${one.id} />` : html`<${Whole} at=${one.id} />`}</div>
                ${mayWrite() && html`<aside><${Restore} version=${one.id} name=${one.tags[0] ?? short(one.id)} />
                    <h2>Name it</h2><${Form} label="Name it" button="Name it" send=${async form => {
                        const fields = new FormData(form);
                        const isTag = fields.get('kind') === 'tag';
                        await post(`/v1/beads/${isTag ? 'tags' : 'branches'}`, { name: fields.get('name').trim(), at: one.id });
                        form.reset();
                        commit.reload();
                        return 'Named.';
                    }}><div class="row"><select name="kind" aria-label="Tag or branch"><option value="tag">tag</option><option value="branch">branch</option></select>
                        <input name="name" required maxlength="100" aria-label="Name" placeholder="v1.0" /></div><//></aside>`}</div>`}<//>`;
}

/** All beads of the first commit: there is nothing to compare it with. */
function Whole({ at }) {
    const beads = usePages(`/v1/beads/issues${asQuery({ as_of: at, limit: 100 })}`, 'issues');
    return html`<h2>Beads of the first commit</h2><${Loaded} of=${beads.first}>${() => html`<ul class="rows">${beads.items.map(one => html`<li key=${`${one.repo} ${one.branch} ${one.bead_id}`}>
        <${BeadLink} id=${one.bead_id} title=${one.title} row /> <span class="quiet">${one.status}</span></li>`)}</ul>${beads.more}`}<//>`;
}

function Compared({ from, until }) {
    const named = text => text === Working ? 'what stands' : /^[0-9a-f]{64}$/.test(text) ? short(text) : text;
    return html`<p class="path"><a href=${to(['history'])}>History</a></p>
        <div class="head"><h1>${named(from)} → ${named(until)}</h1>
            <button type="button" onClick=${() => setQuery({ from: until, to: from })}>Turn around</button></div>
        <${Differences} from=${from} until=${until} />`;
}

function Differences({ from, until }) {
    const pages = usePages(`/v1/beads/diff${asQuery({ from, to: until, limit: 50 })}`, 'beads');
    return html`<${Loaded} of=${pages.first}>${({ total }) => total === 0 ? html`<p>No bead differs.</p>` : html`
        <p class="quiet">${total} ${total === 1 ? 'bead differs' : 'beads differ'}.</p>
        ${pages.items.map(one => html`<section class="changedbead" key=${`${one.repo} ${one.branch} ${one.bead_id}`} data-row>
            <h2><span class=${`status ${one.change}`}>${one.change}</span> <${BeadLink} id=${one.bead_id} title=${one.title} />
                <a class="quiet" href=${to(['history', one.bead_id])}>history</a></h2>
            ${one.change === 'changed' ? html`<${Fields} of=${one.fields} />`
                : html`<details><summary>${one.fields.length} fields</summary><${Fields} of=${one.fields} /></details>`}</section>`)}
        ${pages.more}`}<//>`;
}

/** Fields that changed: texts line by line, what is short side by side. */
function Fields({ of }) {
    return html`<dl class="changes">${of.map(({ field, old, new: becomes }) => html`<div key=${field}><dt>${field.replaceAll('_', ' ')}</dt>
        <dd>${isText(old) || isText(becomes) ? html`<${Lines} before=${text(old)} after=${text(becomes)} />`
            : html`${present(old) && html`<del>${text(old)}</del>`} ${present(becomes) && html`<ins>${text(becomes)}</ins>`}`}</dd></div>`)}</dl>`;
}

const present = value => value !== null && value !== undefined;
const isText = value => typeof value === 'string' && (value.includes('\n') || value.length > 80);
const text = value => !present(value) ? '' : typeof value === 'string' ? value : JSON.stringify(value, null, typeof value === 'object' ? 1 : 0);
const cut = value => value.length > Shown ? `${value.slice(0, Shown)}…` : value;

function Lines({ before, after }) {
    if (before.length + after.length > LongText) return html`<pre class="diff" tabindex="0"><span class="gone"><b>−</b>${cut(before)}</span><span class="new"><b>+</b>${cut(after)}</span></pre>`;
    return html`<pre class="diff" tabindex="0">${diff(before, after).map(({ kind, text: one }) => html`<span class=${kind}><b>${{ gone: '−', new: '+', same: ' ' }[kind]}</b>${one}\n</span>`)}</pre>`;
}

/** Makes beads what they were: asks first, and says what would be in no commit any more. */
function Restore({ version: at, name, bead }) {
    const now = useAnswer(`/v1/beads/diff${asQuery({ from: Working, to: at, bead_id: bead, limit: 200 })}`, { on: ['bead', 'issue'] });
    const open = useAnswer(`/v1/beads/diff${asQuery({ from: 'HEAD', to: Working, bead_id: bead, limit: 1 })}`, { on: ['bead', 'issue'] });
    const [state, setState] = useState({ said: null, error: null });
    async function restore() {
        try {
            setState({ said: null, error: null });
            const done = await post('/v1/beads/restore', { version: at, bead_ids: bead ? [bead] : undefined });
            setState({ error: null, said: `${done.restored} restored, ${done.removed} removed${done.kept.length > 0 ? `; as somebody left them meanwhile: ${done.kept.join(', ')}` : ''}.` });
            now.reload();
            open.reload();
        } catch (error) {
            setState({ said: null, error });
        }
    }

    const uncommitted = open.data?.total ?? 0;
    // A restored line is newer than what it restores: that alone is no difference.
    const differing = now.data ? now.data.total - now.data.beads.filter(one => one.change === 'changed' && one.fields.every(({ field }) => field === 'updated_at')).length : 0;
    const what = bead ?? `${differing} ${differing === 1 ? 'bead' : 'beads'}`;
    return html`<h2>Go back to it</h2>${!now.data ? html`<p class="quiet">…</p>` : differing === 0 ? html`<p class="quiet">${bead ?? 'All beads'} ${bead ? 'stands' : 'stand'} as in it.</p>`
        : html`<p><${Sure} question=${`Make ${what} what it was at ${name}? ${uncommitted > 0 ? `${uncommitted} ${uncommitted === 1 ? 'bead stands' : 'beads stand'} as in no commit: make one first to be able to come back.` : 'What stands is in a commit.'}`}
            yes="Restore" act=${restore}>Restore ${what}<//></p>`}
        ${state.said && html`<p role="status">${state.said}</p>`}${state.error && html`<${Problem} error=${state.error} />`}`;
}

function OfBead({ id, query }) {
    const name = encodeURIComponent(id);
    const events = usePages(`/v1/beads/issues/${name}/history?limit=100`, 'events');
    const blame = useAnswer(`/v1/beads/issues/${name}/blame`, { on: ['bead', 'issue'] });
    const isBlame = query.show === 'blame';
    return html`<p class="path"><a href=${to(['history'])}>History</a> / <a href=${to(['bead', id])} class="id">${id}</a></p>
        <div class="head"><h1>History of ${id}</h1><span class="choice" role="group" aria-label="Show">
            <button type="button" aria-pressed=${!isBlame} onClick=${() => setQuery({ show: '' })}>What happened</button>
            <button type="button" aria-pressed=${isBlame} onClick=${() => setQuery({ show: 'blame' })}>Who set each field</button></span></div>
        ${isBlame ? html`<${Loaded} of=${blame}>${({ fields }) => html`<div class="scroll" tabindex="0" role="region" aria-label="Fields"><table class="grid">
            <thead><tr><th>Field</th><th>Value</th><th>Set by</th><th>First commit with it</th></tr></thead>
            <tbody>${fields.map(one => html`<tr key=${one.field}><td data-label="Field">${one.field.replaceAll('_', ' ')}</td>
                <td data-label="Value"><span class="value">${text(one.value).slice(0, 200)}</span></td>
                <td data-label="Set by"><span>${one.by ? html`${one.by} <span class="quiet"><${Time} at=${one.at} /></span>` : html`<span class="quiet">came with the commit</span>`}
                    ${one.command && html`<span class="second mono quiet">${one.command}</span>`}</span></td>
                <td data-label="Commit">${one.commit ? html`<span><a class="mono" href=${version(one.commit)}>${short(one.commit)}</a> <span class="quiet">${one.author}</span></span>` : html`<span class="quiet">none yet</span>`}</td></tr>`)}</tbody></table></div>`}<//>`
        : html`<${Loaded} of=${events.first}>${() => html`<ol class="happened">${events.items.map(one => html`<li key=${one.version} data-row>
            <p><span class=${`status ${one.change}`}>${one.change}</span> ${one.by && html`<strong>${one.by}</strong>`} <${Time} at=${one.at} />
                ${one.command && html` <code>${one.command}</code>`}</p>
            ${one.change === 'added' ? one.fields.length > 0 && html`<details><summary>${one.fields.length} fields</summary><${Fields} of=${one.fields} /></details>`
                : one.fields.length > 0 && html`<${Fields} of=${one.fields} />`}</li>`)}</ol>${events.more}`}<//>`}
        ${mayWrite() && html`<${RestoreBead} id=${id} />`}`;
}

function RestoreBead({ id }) {
    const [at, setAt] = useState(null);
    const commits = useAnswer('/v1/beads/commits?limit=50');
    if (!commits.data?.commits.length) return null;
    return html`<div class="prose"><${Field} label="Restore it as it was at"><select value=${at ?? ''} onChange=${e => setAt(e.target.value || null)}>
            <option value="">choose a commit</option>${commits.data.commits.map(one => html`<option value=${one.id}>${short(one.id)} ${first(one.message).slice(0, 60)}</option>`)}</select><//>
        ${at && html`<${Restore} key=${at} version=${at} name=${short(at)} bead=${id} />`}</div>`;
}
