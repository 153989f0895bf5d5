import { html, useEffect, useLayoutEffect, useRef } from '../lib/preact.js';
import { post } from '../lib/api.js';
import { useAnswer, useEvents } from '../lib/data.js';
import { Markdown } from '../lib/markdown.js';
import { mayWrite, session } from '../lib/session.js';
import { go, setQuery, to } from '../lib/router.js';
import { Empty, Field, Form, Loaded } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { Recipients, useAgents } from './write.js';

/** Chats of the agent as which one is signed in. */
export default function Chat({ parts: [id], query }) {
    const list = useAnswer('/v1/conversations?limit=100', { on: ['chat'] });
    const wanted = (query.q ?? '').toLowerCase();
    if (!session.value.alias) return html`<h1>Chat</h1><p>This key is no agent's: it can chat with nobody.</p>`;
    return html`
        <div class="head"><h1>Chat</h1>
            ${mayWrite() && html`<a class="button" href=${to(['chat', 'new'])}>New chat</a>`}
            <input type="search" data-search placeholder="Search  /" aria-label="Search chats" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        <div class=${`panes ${id ? 'chosen' : ''}`}>
            <div class="list"><${Loaded} of=${list}>${({ conversations }) => {
                const chats = conversations.filter(one => one.conversation_type === 'chat');
                if (chats.length === 0) return html`<${Empty} title="No chats yet"><p>Begin one, or let an agent: <code>beadhub chat ${session.value.alias} "…"</code></p><//>`;
                return html`<ul class="rows">${chats.filter(one => `${one.participants} ${one.last_message_preview}`.toLowerCase().includes(wanted)).map(one => html`<li key=${one.conversation_id} class=${one.unread_count > 0 ? 'unread' : ''}>
                    <a href=${to(['chat', one.conversation_id])} data-row aria-current=${one.conversation_id === id ? 'true' : undefined}>
                        <span class="from">${others(one)}</span><${Time} at=${one.last_message_at} />
                        <span class="subject">${one.unread_count > 0 && html`<span class="tag">${one.unread_count}</span> `}${one.last_message_preview}</span></a></li>`)}</ul>`;
            }}<//></div>
            <div class="open">${id === 'new' ? html`<${New} />` : id ? html`<${Session} key=${id} id=${id} />` : html`<p class="quiet">Choose a chat, or begin one.</p>`}</div>
        </div>`;
}

const others = chat => chat.participants.filter(one => one !== session.value.alias).join(', ');

function Session({ id }) {
    const answer = useAnswer(`/v1/chat/sessions/${encodeURIComponent(id)}/messages?limit=500`);
    useEvents(['chat'], events => { if (events.some(event => event.session_id === id)) answer.reload(); });
    const end = useRef(null);
    const last = answer.data?.messages.at(-1);
    useLayoutEffect(() => end.current?.scrollIntoView({ block: 'nearest' }), [last?.message_id]);
    useEffect(() => {
        if (last && last.from_agent !== session.value.alias && mayWrite())
            post(`/v1/chat/sessions/${encodeURIComponent(id)}/read`, { up_to_message_id: last.message_id }).catch(() => {});
    }, [last?.message_id]);
    return html`<p class="path"><a href=${to(['chat'])}>Chat</a></p>
        <${Loaded} of=${answer}>${({ messages }) => html`<div class="talk" role="log" aria-label="Messages">
            ${messages.map(one => html`<article key=${one.message_id} class=${`said ${one.from_agent === session.value.alias ? 'own' : ''}`}>
                <p class="quiet"><strong>${one.from_agent}</strong> <${Time} at=${one.timestamp} />${one.sender_leaving && ', and left'}</p><${Markdown} text=${one.body} /></article>`)}
            <div ref=${end}></div></div>`}<//>
        ${mayWrite() && html`<${Form} label="Message" send=${async form => {
            await post(`/v1/chat/sessions/${encodeURIComponent(id)}/messages`, { body: new FormData(form).get('body') });
            form.reset();
            answer.reload();
            return null;
        }}><textarea name="body" class="low" required aria-label="Message" placeholder="Message"></textarea><//>`}`;
}

function New() {
    const agents = useAgents();
    return html`<${Form} label="New chat" send=${async form => {
        const fields = new FormData(form);
        const begun = await post('/v1/chat/sessions', { to_aliases: fields.get('to').split(/[\s,]+/).filter(Boolean), message: fields.get('message') });
        go(['chat', begun.session_id]);
        return null;
    }}>
        <${Field} label="With" hint="Several with commas"><input name="to" required list="agents" autocomplete="off" spellcheck="false" /><${Recipients} agents=${agents} /><//>
        <${Field} label="Message"><textarea name="message" required></textarea><//>
    <//>`;
}
