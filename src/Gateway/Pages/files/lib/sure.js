// A button for what cannot be taken back: it asks before it acts, in its own place.
import { html, useState } from './preact.js';

/** @param more What there is to choose beside the question. */
export function Sure({ act, question, yes, kind, more, children }) {
    const [isAsking, ask] = useState(false);
    if (!isAsking) return html`<button type="button" class=${kind} onClick=${() => ask(true)}>${children}</button>`;
    return html`<span class="sure" role="group" aria-label=${question}>${question} ${more}
        <button type="button" class="main" autofocus onClick=${() => { ask(false); act(); }}>${yes}</button>
        <button type="button" onClick=${() => ask(false)}>No</button></span>`;
}
