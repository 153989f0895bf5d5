import { html, useState } from '../lib/preact.js';
import { post, query as queryOf } from '../lib/api.js';
import { useAnswer, useEvents } from '../lib/data.js';
import { Markdown } from '../lib/markdown.js';
import { mayWrite } from '../lib/session.js';
import { setQuery, to } from '../lib/router.js';
import { Agent, Empty, Field, Form, Lines, Loaded, Status } from '../lib/ui.js';
import { Time } from '../lib/time.js';

/** What agents ask humans; a person answers here. */
export default function Escalations({ parts: [id], query }) {
    const status = query.status ?? 'pending';
    const list = useAnswer(`/v1/escalations${queryOf({ status: status === 'all' ? '' : status, limit: 200 })}`, { on: ['escalation'], every: 60 });
    return html`
        <div class="head"><h1>Escalations</h1>
            <div class="choice" role="group" aria-label="Which">${['pending', 'responded', 'expired', 'all'].map(one =>
                html`<button type="button" aria-pressed=${one === status} onClick=${() => setQuery({ status: one === 'pending' ? '' : one })}>${one}</button>`)}</div></div>
        <div class=${`panes ${id ? 'chosen' : ''}`}>
            <div class="list"><${Loaded} of=${list}>${({ escalations }) => escalations.length === 0
                ? html`<${Empty} title=${status === 'pending' ? 'Nobody waits for you' : 'None'}><p>An agent that cannot decide asks:</p><${Lines}>${'beadhub ask "May I change the public API?"'}<//><//>`
                : html`<ul class="rows">${escalations.map(one => html`<li key=${one.escalation_id} class=${one.status === 'pending' ? 'unread' : ''}>
                    <a href=${to(['escalations', one.escalation_id], { status: query.status })} data-row aria-current=${one.escalation_id === id ? 'true' : undefined}>
                        <span class="from">${one.alias}</span><${Time} at=${one.created_at} /><span class="subject">${one.subject}</span></a></li>`)}</ul>`}<//></div>
            <div class="open">${id ? html`<${Escalation} key=${id} id=${id} />` : html`<p class="quiet">Choose a question to answer it.</p>`}</div>
        </div>`;
}

function Escalation({ id }) {
    const answer = useAnswer(`/v1/escalations/${encodeURIComponent(id)}`);
    const [choice, setChoice] = useState('');
    useEvents(['escalation'], events => { if (events.some(event => event.escalation_id === id)) answer.reload(); });
    return html`<p class="path"><a href=${to(['escalations'])}>Escalations</a></p><${Loaded} of=${answer}>${one => html`<article>
        <h2>${one.subject}</h2>
        <p class="facts"><${Agent} alias=${one.alias} /> <${Status} of=${one.status} /> <span class="tag">${one.severity}</span>
            <span class="quiet">asked <${Time} at=${one.created_at} />${one.status === 'pending' && html`, too late <${Time} at=${one.expires_at} />`}</span></p>
        <${Markdown} text=${one.situation} />
        ${one.response && html`<section class="notice"><p class="quiet">Answered <${Time} at=${one.responded_at} /></p><${Markdown} text=${one.response} /><${Markdown} text=${one.response_note} /></section>`}
        ${mayWrite() && one.status !== 'expired' && html`<${Form} label="Answer" button=${one.response ? 'Replace the answer' : 'Answer'} send=${async form => {
            const text = new FormData(form).get('text').trim();
            if (!choice && !text) throw new Error('Choose an answer or write one.');
            await post(`/v1/escalations/${encodeURIComponent(id)}/respond`, choice ? { response: choice, note: text || undefined } : { response: text });
            form.reset();
            setChoice('');
            answer.reload();
            return `${one.alias} has your answer.`;
        }}>
            ${one.options?.length > 0 && html`<fieldset><legend>Answer</legend>${one.options.map(option => html`<label class="option">
                <input type="radio" name="choice" value=${option} checked=${choice === option} onChange=${() => setChoice(option)} /> ${option}</label>`)}</fieldset>`}
            <${Field} label=${choice ? 'What there is to say about it' : 'Your answer'}><textarea name="text"></textarea><//>
        <//>`}
    </article>`}<//>`;
}
