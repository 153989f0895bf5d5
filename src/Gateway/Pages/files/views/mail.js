import { html, useEffect, useState } from '../lib/preact.js';
import { get, post } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { Markdown } from '../lib/markdown.js';
import { mayWrite, session } from '../lib/session.js';
import { go, setQuery, to } from '../lib/router.js';
import { Empty, Field, Form, Loaded, Problem } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { Recipients, useAgents } from './write.js';

const Everybody = '*';

/** The mail of the agent as which one is signed in; and writing, to one or to all. */
export default function Mail({ parts: [id, chosen], query }) {
    const inbox = useAnswer('/v1/messages/inbox?limit=200', { on: ['message'] });
    const isSent = id === 'sent';
    const wanted = (query.q ?? '').toLowerCase();
    const isWriting = id === 'new' || (query.to !== undefined && !id);
    if (!session.value.alias) return html`<h1>Mail</h1><p>This key is no agent's: it has no mailbox.</p>`;

    return html`
        <div class="head"><h1>Mail</h1><span class="choice" role="group" aria-label="Which mail">
                <button type="button" aria-pressed=${!isSent} onClick=${() => go(['mail'])}>Received</button>
                <button type="button" aria-pressed=${isSent} onClick=${() => go(['mail', 'sent'])}>Sent</button></span>
            ${mayWrite() && html`<a class="button" href=${to(['mail', 'new'])}>Write</a><a class="button" href=${to(['mail', 'new'], { to: Everybody })}>Write to all</a>`}
            <input type="search" data-search placeholder="Search  /" aria-label="Search mail" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        ${isSent ? html`<${Sent} of=${chosen} wanted=${wanted} />` : html`
        <div class=${`panes ${id || isWriting ? 'chosen' : ''}`}>
            <div class="list"><${Loaded} of=${inbox}>${({ messages }) => {
                const shown = messages.filter(one => `${one.from_alias} ${one.subject} ${one.body}`.toLowerCase().includes(wanted));
                if (messages.length === 0) return html`<${Empty} title="No mail yet"><p>Agents write to <code>${session.value.alias}</code>: <code>beadhub mail ${session.value.alias} "…"</code></p><//>`;
                return html`<ul class="rows">${shown.map(one => html`<li key=${one.message_id} class=${one.read_at ? '' : 'unread'}>
                    <a href=${to(['mail', one.message_id], { q: query.q })} data-row aria-current=${one.message_id === id ? 'true' : undefined}>
                        <span class="from">${one.from_alias}</span><${Time} at=${one.created_at} />
                        <span class="subject">${one.priority !== 'normal' && html`<span class=${`tag ${one.priority}`}>${one.priority}</span> `}${one.subject || one.body.slice(0, 80)}</span></a></li>`)}</ul>`;
            }}<//></div>
            <div class="open">${isWriting ? html`<${Write} recipient=${query.to ?? ''} />`
                : id && inbox.data ? html`<${Message} of=${inbox.data.messages.find(one => one.message_id === id)} reload=${inbox.reload} />`
                : html`<p class="quiet">Choose a mail, or write one.</p>`}</div>
        </div>`}`;
}

/** What was sent, the last first. */
function Sent({ of, wanted }) {
    const first = useAnswer('/v1/messages/sent?limit=50', { on: ['message'] });
    const [older, setOlder] = useState({ messages: [], cursor: undefined, error: null });
    const newest = first.data?.messages ?? [];
    const all = [...newest, ...older.messages.filter(one => !newest.some(other => other.message_id === one.message_id))];
    const next = older.cursor === undefined ? first.data?.next_cursor : older.cursor;
    async function more() {
        try {
            const page = await get(`/v1/messages/sent?limit=50&cursor=${encodeURIComponent(next)}`);
            setOlder(old => ({ messages: [...old.messages, ...page.messages], cursor: page.next_cursor, error: null }));
        } catch (error) {
            setOlder(old => ({ ...old, error }));
        }
    }

    const open = all.find(one => one.message_id === of);
    return html`<div class=${`panes ${of ? 'chosen' : ''}`}>
        <div class="list"><${Loaded} of=${first}>${() => all.length === 0 ? html`<${Empty} title="Nothing sent yet"><p>What you write is kept here.</p><//>`
            : html`<ul class="rows">${all.filter(one => `${one.to_alias} ${one.subject} ${one.body}`.toLowerCase().includes(wanted)).map(one => html`<li key=${one.message_id}>
                <a href=${to(['mail', 'sent', one.message_id])} data-row aria-current=${one.message_id === of ? 'true' : undefined}><span class="from">to ${one.to_alias}</span><${Time} at=${one.created_at} />
                    <span class="subject">${one.subject || one.body.slice(0, 80)}</span></a></li>`)}</ul>
                ${older.error && html`<${Problem} error=${older.error} />`}${next && html`<p><button type="button" onClick=${more}>Show older</button></p>`}`}<//></div>
        <div class="open">${open ? html`<article><p class="path"><a href=${to(['mail', 'sent'])}>Sent</a></p><h2>${open.subject || '(no subject)'}</h2>
            <p class="quiet">to <strong>${open.to_alias}</strong>, <${Time} at=${open.created_at} />${open.priority !== 'normal' && `, ${open.priority}`}</p><${Markdown} text=${open.body} /></article>`
            : of && first.data ? html`<p>This mail is not among those that are listed.</p>` : html`<p class="quiet">Choose a mail.</p>`}</div></div>`;
}

function Message({ of, reload }) {
    const mayAnswer = mayWrite();
    useEffect(() => {
        // Whoever reads it here has read it.
        if (of && !of.read_at && mayAnswer) post(`/v1/messages/${of.message_id}/ack`).then(reload, () => {});
    }, [of?.message_id, of?.read_at]);
    if (!of) return html`<p>This mail is not in your mailbox, or an old one.</p>`;
    return html`<article>
        <p class="path"><a href=${to(['mail'])}>Mail</a></p>
        <h2>${of.subject || '(no subject)'}</h2>
        <p class="quiet">from <strong>${of.from_alias}</strong>, <${Time} at=${of.created_at} />${of.priority !== 'normal' && `, ${of.priority}`}</p>
        <${Markdown} text=${of.body} />
        ${mayAnswer && html`<${Form} key=${of.message_id} label="Answer" button="Answer" send=${async form => {
            await post('/v1/messages', {
                to_alias: of.from_alias, subject: /^re:/i.test(of.subject) ? of.subject : `Re: ${of.subject}`, body: new FormData(form).get('body'),
                thread_id: of.thread_id ?? of.message_id,
            });
            form.reset();
            return 'Sent.';
        }}><textarea name="body" required aria-label=${`Answer ${of.from_alias}`} placeholder=${`Answer ${of.from_alias}`}></textarea><//>`}
    </article>`;
}

function Write({ recipient }) {
    const agents = useAgents();
    const [to, setTo] = useState(recipient);
    useEffect(() => setTo(recipient), [recipient]);
    const isToAll = to === Everybody;

    async function send(form) {
        const fields = new FormData(form);
        const mail = { subject: fields.get('subject'), body: fields.get('body'), priority: fields.get('priority') };
        const recipients = isToAll ? agents.map(one => one.alias) : [to.trim()];
        const failed = [];
        for (const alias of recipients) {
            try {
                await post('/v1/messages', { ...mail, to_alias: alias });
            } catch (error) {
                if (recipients.length === 1) throw error;
                failed.push(alias);
            }
        }

        if (failed.length > 0) throw new Error(`Sent to ${recipients.length - failed.length}; not to ${failed.join(', ')}.`);
        form.reset();
        return isToAll ? `Sent to ${recipients.length} agents.` : `Sent to ${to}.`;
    }

    return html`<${Form} send=${send} label="Write mail" disabled=${isToAll && agents.length === 0}>
        <p class="path"><a href="#/mail" onClick=${() => go(['mail'])}>Mail</a></p>
        <${Field} label="To">${isToAll
            ? html`<span class="tag">all ${agents.length} agents</span> <button type="button" class="link" onClick=${() => setTo('')}>to one instead</button>`
            : html`<input name="to" required list="agents" autocomplete="off" spellcheck="false" value=${to} onInput=${e => setTo(e.target.value)} /><${Recipients} agents=${agents} />`}<//>
        <${Field} label="Subject"><input name="subject" maxlength="500" class="full" /><//>
        <${Field} label="Text"><textarea name="body" required></textarea><//>
        <${Field} label="Priority"><select name="priority">${['normal', 'low', 'high', 'urgent'].map(one => html`<option value=${one}>${one}</option>`)}</select><//>
    <//>`;
}
