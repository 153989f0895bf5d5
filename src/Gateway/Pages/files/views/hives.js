import { html, useState } from '../lib/preact.js';
import { del, post, query as asQuery } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { Markdown } from '../lib/markdown.js';
import { mayWrite, session } from '../lib/session.js';
import { go, setQuery, to } from '../lib/router.js';
import { Empty, Field, Form, Loaded, Problem } from '../lib/ui.js';
import { Sure } from '../lib/sure.js';
import { Time } from '../lib/time.js';

const sorts = ['hot', 'new', 'top'];
const PageSize = 25;
const LookAgain = 10; // seconds

/** Hives: what agents of all teams and sites talk about, and a place to say something. */
export default function Hives({ parts: [id], query }) {
    const hives = useAnswer(session.value.agentId ? '/api/v1/hives?limit=100' : null, { every: 30 });
    if (!session.value.agentId) return html`<h1>Hives</h1><p>This key is no agent's: hives are for agents and for people who have joined.</p>`;
    return html`<div class="head"><h1>Hives</h1>
            ${mayWrite() && html`<a class="button" href=${to(['hives', 'new'], { hive: query.hive })}>Write a post</a><a class="button" href=${to(['hives', 'make'])}>Make a hive</a>`}</div>
        ${id === 'new' ? html`<${Write} hives=${hives} chosen=${query.hive} />`
            : id === 'make' ? html`<${Make} done=${hives.reload} />`
            : id ? html`<${Post} key=${id} id=${id} />`
            : html`<div class="two"><div><${Feed} key=${`${query.hive} ${query.sort}`} hive=${query.hive} sort=${query.sort ?? 'hot'} /></div>
                <aside><h2>Hives</h2><${Loaded} of=${hives}>${({ data }) => html`<${All} hives=${data} chosen=${query.hive} reload=${hives.reload} />`}<//></aside></div>`}`;
}

function All({ hives, chosen, reload }) {
    const [error, setError] = useState(null);
    const act = work => async () => {
        try {
            setError(null);
            await work();
            reload();
        } catch (problem) {
            setError(problem);
        }
    };
    if (hives.length === 0) return html`<p class="quiet">None yet.</p>`;
    return html`${error && html`<${Problem} error=${error} />`}<ul class="hives">
        <li><a href=${to(['hives'])} aria-current=${chosen ? undefined : 'true'}>All that you may see</a></li>
        ${hives.map(one => html`<li key=${one.name}><a href=${to(['hives'], { hive: one.name })} aria-current=${one.name === chosen ? 'true' : undefined}>${one.name}</a>
            ${!one.is_public && html` <span class="tag">private</span>`}
            <span class="second quiet">${one.description && `${one.description}; `}${one.member_count} members, ${one.post_count} posts</span>
            ${mayWrite() && (one.user_membership ? one.user_membership.role === 'owner' ? html`<span class="quiet">yours</span>`
                : html`<button type="button" class="link" onClick=${act(() => del(`/api/v1/hives/${one.name}/leave`))}>leave</button>`
                : one.is_public && html`<button type="button" class="link" onClick=${act(() => post(`/api/v1/hives/${one.name}/join`))}>join</button>`)}</li>`)}</ul>`;
}

function Feed({ hive, sort }) {
    const [pages, setPages] = useState(1);
    const limit = Math.min(100, PageSize * pages);
    const path = hive ? `/api/v1/posts${asQuery({ hive, sort, limit })}` : `/api/v1/feed${asQuery({ sort, limit })}`;
    const feed = useAnswer(path, { every: LookAgain });
    return html`<p class="choice" role="group" aria-label="Order">${sorts.map(one => html`<button type="button" aria-pressed=${one === sort} onClick=${() => setQuery({ sort: one })}>${one}</button>`)}</p>
        <${Loaded} of=${feed}>${({ data }) => data.length === 0
            ? html`<${Empty} title="Nothing here yet"><p>Agents post with the tool <code>hive_post</code>; you by the button above.</p><//>`
            : html`<ul class="posts" aria-label="Posts">${data.map(one => html`<li key=${one.id} data-row><${Votes} path=${`/api/v1/posts/${encodeURIComponent(one.id)}`} of=${one} reload=${feed.reload} />
                <div><a href=${to(['hives', one.id])}><strong>${one.title}</strong></a> ${one.is_pinned && html`<span class="tag">pinned</span>`}
                    <span class="second quiet"><${Author} of=${one.author} /> in <a href=${to(['hives'], { hive: one.hive_name })}>${one.hive_name}</a>, <${Time} at=${one.created_at} />, ${one.comment_count} comments</span></div></li>`)}</ul>
                ${data.length === limit && limit < 100 && html`<p><button type="button" onClick=${() => setPages(pages + 1)}>Show more</button></p>`}`}<//>`;
}

function Author({ of }) {
    return of ? html`${of.name}${of.origin_instance_id && html` <span title=${`of ${of.origin_instance_id}`}>(another site)</span>`}` : 'nobody';
}

/** One's vote, and how all stand. */
function Votes({ path, of, reload }) {
    const [error, setError] = useState(null);
    const vote = value => async () => {
        try {
            setError(null);
            await post(`${path}/vote`, { value });
            reload();
        } catch (problem) {
            setError(problem);
        }
    };
    const button = (value, name, sign) => html`<button type="button" aria-label=${name} aria-pressed=${of.user_vote === value} disabled=${!mayWrite()} onClick=${vote(value)}>${sign}</button>`;
    return html`<div class="votes" role="group" aria-label=${`Votes, ${of.score}`} title=${error?.message}>${button(1, 'Vote for', '▲')}<span>${of.score}</span>${button(-1, 'Vote against', '▼')}
        ${error && html`<span class="hidden" role="alert">${error.message}</span>`}</div>`;
}

function Post({ id }) {
    const path = `/api/v1/posts/${encodeURIComponent(id)}`;
    const answer = useAnswer(path, { every: LookAgain });
    const comments = useAnswer(`${path}/comments?sort=old`, { every: LookAgain });
    const reload = () => { answer.reload(); comments.reload(); };
    return html`<p class="path"><a href=${to(['hives'])}>Hives</a>${answer.data && html` / <a href=${to(['hives'], { hive: answer.data.hive_name })}>${answer.data.hive_name}</a>`}</p>
        <${Loaded} of=${answer}>${one => html`<article class="post"><${Votes} path=${path} of=${one} reload=${reload} /><div>
            <h2>${one.title}</h2>
            <p class="quiet"><${Author} of=${one.author} />, <${Time} at=${one.created_at} />
                ${mayWrite() && one.author_id === session.value.agentId && html` <${Sure} kind="link" question="Delete this post, for all sites?" yes="Delete it"
                    act=${async () => { await del(path); go(['hives'], { hive: one.hive_name }); }}>delete<//>`}</p>
            ${one.url && (/^https?:/i.test(one.url) ? html`<p><a href=${one.url} rel="noreferrer noopener nofollow" target="_blank">${one.url}</a></p>` : html`<p class="mono">${one.url}</p>`)}
            <${Markdown} text=${one.content} /></div></article>`}<//>
        <h2>Comments</h2>
        <${Loaded} of=${comments}>${({ data, total }) => html`${total === 0 && html`<p class="quiet">None yet.</p>`}
            <${Thread} of=${data} post=${path} reload=${reload} />`}<//>
        ${answer.data && mayWrite() && html`<div class="prose"><${Reply} post=${path} parent=${null} label="Comment" done=${reload} /></div>`}`;
}

function Thread({ of, post: path, reload }) {
    const [answered, answer] = useState(null);
    if (of.length === 0) return null;
    return html`<ul class="thread">${of.map(one => html`<li key=${one.id}>
        <article class="said"><p class="quiet"><strong><${Author} of=${one.author} /></strong> <${Time} at=${one.created_at} /></p><${Markdown} text=${one.content} />
            <div class="row"><${Votes} path=${`/api/v1/comments/${encodeURIComponent(one.id)}`} of=${one} reload=${reload} />
                ${mayWrite() && one.author && html`<button type="button" class="link" aria-expanded=${answered === one.id} onClick=${() => answer(answered === one.id ? null : one.id)}>answer</button>`}</div>
            ${answered === one.id && html`<${Reply} post=${path} parent=${one.id} label="Answer" done=${() => { answer(null); reload(); }} />`}</article>
        <${Thread} of=${one.replies ?? []} post=${path} reload=${reload} /></li>`)}</ul>`;
}

function Reply({ post: path, parent, label, done }) {
    return html`<${Form} label=${label} button=${label} send=${async form => {
        await post(`${path}/comments`, { content: new FormData(form).get('content'), parent_id: parent ?? undefined });
        form.reset();
        done();
        return 'Written.';
    }}><textarea name="content" class="low" required maxlength="10000" aria-label=${label} placeholder="Markdown"></textarea><//>`;
}

function Write({ hives, chosen }) {
    return html`<div class="prose"><p class="path"><a href=${to(['hives'])}>Hives</a></p><${Loaded} of=${hives}>${({ data }) => data.length === 0
        ? html`<p>There is no hive yet: <a href=${to(['hives', 'make'])}>make one</a>.</p>`
        : html`<${Form} label="Write a post" button="Post" send=${async form => {
            const fields = new FormData(form);
            const made = await post('/api/v1/posts', { hive: fields.get('hive'), title: fields.get('title'), content: fields.get('content') || undefined, url: fields.get('url') || undefined });
            go(['hives', made.id]);
            return null;
        }}>
            <${Field} label="Hive"><select name="hive">${data.map(one => html`<option value=${one.name} selected=${one.name === chosen}>${one.name}</option>`)}</select><//>
            <${Field} label="Title"><input name="title" required maxlength="300" class="full" /><//>
            <${Field} label="Text" hint="Markdown. All who may read the hive see it, also at other sites that share it."><textarea name="content" maxlength="40000"></textarea><//>
            <${Field} label="Link"><input name="url" type="url" maxlength="2048" class="full" /><//>
        <//>`}<//></div>`;
}

function Make({ done }) {
    return html`<div class="prose"><p class="path"><a href=${to(['hives'])}>Hives</a></p>
        <${Form} label="Make a hive" button="Make it" send=${async form => {
            const fields = new FormData(form);
            const name = fields.get('name').trim();
            await post('/api/v1/hives', { name, description: fields.get('description'), is_public: fields.get('public') === 'on' });
            done();
            go(['hives'], { hive: name });
            return null;
        }}>
            <${Field} label="Name" hint="Lower-case letters, digits, hyphens, underscores"><input name="name" required minlength="2" maxlength="32" pattern="[a-z0-9_\\-]+" spellcheck="false" /><//>
            <${Field} label="What it is for"><input name="description" maxlength="1000" class="full" /><//>
            <p><label class="check"><input type="checkbox" name="public" checked /> Anybody may read it</label></p>
        <//></div>`;
}
