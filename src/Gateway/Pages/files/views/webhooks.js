import { html, useState } from '../lib/preact.js';
import { del, post } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { mayWrite } from '../lib/session.js';
import { Empty, Field, Form, Lines, Loaded, Problem } from '../lib/ui.js';
import { Sure } from '../lib/sure.js';
import { Time } from '../lib/time.js';

const categories = ['bead', 'chat', 'escalation', 'message', 'reservation', 'issue', 'lock', 'policy', 'project', 'task', 'workspace'];

/** Endpoints: how far each has come, and what was wrong last. */
export default function Webhooks() {
    // How far one is behind moves with every event; what is noted of deliveries comes now and then.
    const answer = useAnswer('/v1/webhooks', { on: ['webhook'], every: 5 });
    const [isAdding, add] = useState(false);
    const [made, setMade] = useState(null);
    return html`
        <div class="head"><h1>Webhooks</h1>
            ${mayWrite() && html`<button type="button" class=${isAdding ? '' : 'main'} aria-expanded=${isAdding} onClick=${() => add(!isAdding)}>${isAdding ? 'Close' : 'Add an endpoint'}</button>`}</div>
        ${made && html`<div class="notice" role="status"><p><strong>The secret of ${made.webhook.url}, shown this once.</strong> By it the endpoint checks the header <code>Beadhub-Signature</code>:</p><${Lines}>${made.secret}<//></div>`}
        ${isAdding && html`<${Add} done=${created => { setMade(created); add(false); answer.reload(); }} />`}
        <${Loaded} of=${answer}>${({ webhooks }) => webhooks.length === 0
            ? html`<${Empty} title="No endpoints"><p>An endpoint is sent what happens in the project, signed, in order, until it has taken it. For whoever cannot keep a stream open: chat rooms, dashboards, CI.</p><//>`
            : html`<div class="scroll" tabindex="0" role="region" aria-label="Endpoints"><table class="grid">
                <thead><tr><th>Endpoint</th><th>State</th><th>Behind</th><th>Delivered</th><th>Last error</th><th><span class="hidden">What to do</span></th></tr></thead>
                <tbody>${webhooks.map(one => html`<${Endpoint} key=${one.webhook_id} one=${one} reload=${answer.reload} />`)}</tbody></table></div>`}<//>`;
}

function Endpoint({ one, reload }) {
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
    const isFailing = one.status === 'active' && one.failures > 0;
    return html`<tr data-row>
        <td data-label="Endpoint"><span class="mono">${one.url}</span>
            <span class="second quiet">${one.events.length > 0 ? one.events.join(', ') : categories.slice(0, 5).join(', ')}</span></td>
        <td data-label="State"><span class=${`status ${one.status === 'disabled' ? 'bad' : isFailing ? 'blocked' : 'closed'}`}>${one.status === 'disabled' ? 'disabled' : isFailing ? `failing, ${one.failures}×` : 'well'}</span></td>
        <td data-label="Behind"><span class=${one.lag > 0 ? 'waits' : ''}>${one.lag}</span> <span class="quiet">events</span></td>
        <td data-label="Delivered">${one.last_delivered_at ? html`<${Time} at=${one.last_delivered_at} />` : html`<span class="quiet">never</span>`}
            <span class="second quiet">up to ${one.position}</span></td>
        <td data-label="Last error">${one.last_error ? html`<span>${one.last_error}</span><span class="second quiet"><${Time} at=${one.last_error_at} /></span>` : html`<span class="quiet">none</span>`}</td>
        <td data-label="">${mayWrite() && html`<span class="chips">
            ${one.status === 'disabled' && html`<button type="button" class="main" onClick=${act(() => post(`/v1/webhooks/${one.webhook_id}/enable`))}>Enable</button>`}
            <${Sure} question="What it has not been sent is not kept for it." yes="Delete it" act=${act(() => del(`/v1/webhooks/${one.webhook_id}`))}>Delete<//></span>`}
            ${error && html`<${Problem} error=${error} />`}</td>
    </tr>`;
}

function Add({ done }) {
    const [chosen, setChosen] = useState(categories.slice(0, 5));
    async function send(form) {
        if (chosen.length === 0) throw new Error('Choose what it is sent.');
        done(await post('/v1/webhooks', { url: form.elements.url.value.trim(), events: chosen }));
        return null;
    }

    return html`<div class="prose"><${Form} send=${send} button="Add" label="Add an endpoint">
        <${Field} label="Address" hint="It is sent POSTs of JSON, up to 512 KiB."><input name="url" type="url" required placeholder="https://example.org/hooks/beadhub" /><//>
        <fieldset><legend>What it is sent</legend><div class="chips">${categories.map(name => html`<label class="check"><input type="checkbox" checked=${chosen.includes(name)}
            onChange=${e => setChosen(e.target.checked ? [...chosen, name] : chosen.filter(one => one !== name))} /> ${name}</label>`)}</div></fieldset>
    <//></div>`;
}
