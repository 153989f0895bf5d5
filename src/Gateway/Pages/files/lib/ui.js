// What views are made of.
import { Component, html, useEffect, useRef, useState } from './preact.js';
import { LineError } from './api.js';
import { to } from './router.js';

/**
 * What stands in the place of an answer that is not there yet, or that could not be had; what is there when it is.
 * @param of What useAnswer gave. @param children A function of the data.
 */
export function Loaded({ of, children }) {
    if (of.data !== undefined)
        return html`${of.error && html`<${Problem} error=${of.error} retry=${of.reload} isOld />`}${children(of.data)}`;
    if (of.error) return html`<${Problem} error=${of.error} retry=${of.reload} />`;
    return html`<p class="loading" role="status">Loading…</p>`;
}

export function Problem({ error, retry, isOld = false }) {
    const what = error instanceof LineError ? 'The server cannot be reached.' : error.message;
    return html`<div class="problem" role="alert">
        <p>${what}${isOld && ' What you see is what was loaded before.'}</p>
        ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
    </div>`;
}

/** What there is to do where there is nothing to show. */
export function Empty({ title, children }) {
    return html`<div class="empty"><p class="title">${title}</p>${children}</div>`;
}

export function Copy({ text, label = 'Copy' }) {
    const [done, setDone] = useState(false);
    const timer = useRef(0);
    useEffect(() => () => clearTimeout(timer.current), []);
    async function copy() {
        try {
            await navigator.clipboard.writeText(text);
            setDone(true);
            timer.current = setTimeout(() => setDone(false), 2000);
        } catch {
            // Without permission, or over plain HTTP: the text can be selected.
        }
    }

    return html`<button type="button" class="copy" onClick=${copy} aria-live="polite">${done ? 'Copied' : label}</button>`;
}

/** Lines for a terminal or a file, with a button that copies them. */
export function Lines({ children: text }) {
    return html`<div class="lines"><pre tabindex="0">${text}</pre><${Copy} text=${text} /></div>`;
}

const states = { open: 'open', in_progress: 'in progress', blocked: 'blocked', closed: 'closed', deferred: 'deferred' };

export function Status({ of }) {
    return html`<span class=${`status ${of}`}>${states[of] ?? of}</span>`;
}

export function Priority({ of }) {
    return of === null || of === undefined ? null : html`<span class=${`priority p${of}`} title=${`Priority ${of}`}>P${of}</span>`;
}

export const beadAddress = id => to(['bead', id]);

/** A bead's name, which leads to it. */
export function BeadLink({ id, title, row = false }) {
    return html`<a class="bead" href=${beadAddress(id)} data-row=${row || undefined}><span class="id">${id}</span>${title && html` <span>${title}</span>`}</a>`;
}

export function Agent({ alias, presence }) {
    return html`<span class="agent">${presence && html`<span class=${`dot ${presence}`} title=${presence} role="img" aria-label=${presence}></span>`}${alias}</span>`;
}

/** A field with its label. */
export function Field({ label, hint, children }) {
    return html`<label class="field"><span>${label}</span>${children}${hint && html`<small>${hint}</small>`}</label>`;
}

/**
 * A form that sends once, says what went wrong, and what went well.
 * @param send Async; what it answers is said ('Sent.'); null says nothing.
 */
export function Form({ send, button = 'Send', children, disabled = false, label }) {
    const [state, setState] = useState({ busy: false, said: null, error: null });
    const shown = useRef(true);
    useEffect(() => () => { shown.current = false; }, []);
    async function submit(event) {
        event.preventDefault();
        if (state.busy) return;
        setState({ busy: true, said: null, error: null });
        try {
            const said = await send(event.target);
            if (shown.current) setState({ busy: false, said, error: null });
        } catch (error) {
            if (shown.current) setState({ busy: false, said: null, error });
        }
    }

    return html`<form onSubmit=${submit} aria-label=${label}>
        ${children}
        <div class="send">
            <button type="submit" class="main" disabled=${disabled || state.busy}>${button}</button>
            <span role="status">${state.busy ? 'Sending…' : state.said}</span>
        </div>
        ${state.error && html`<${Problem} error=${state.error} />`}
    </form>`;
}

/** Keeps a broken view from taking the page with it. */
export class Fence extends Component {
    componentDidCatch(error) {
        console.error(error);
        this.setState({ error });
    }

    componentDidUpdate(before) {
        if (before.name !== this.props.name && this.state.error) this.setState({ error: null });
    }

    render({ children }, { error }) {
        return error ? html`<${Problem} error=${error} retry=${() => this.setState({ error: null })} />` : children;
    }
}
