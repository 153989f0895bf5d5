// Markdown as elements. marked only reads it; what it found is shown by Preact as elements and texts that are named here, so nothing in a
// text becomes markup: HTML in it is shown as it was written.
import { html, useMemo } from './preact.js';
import { lexer } from '../vendor/marked.js';

// What is longer is shown as plain text: reading some texts takes a time that grows with the square of their length.
const Longest = 64 * 1024;
const Shown = 256 * 1024;

export function Markdown({ text }) {
    const tokens = useMemo(() => {
        if (!text || text.length > Longest) return null;
        try {
            return lexer(text, { gfm: true, breaks: true });
        } catch {
            return null;
        }
    }, [text]);
    if (!text) return null;
    if (tokens) return html`<div class="markdown">${blocks(tokens)}</div>`;
    return html`<div class="markdown">
        <p class="quiet">This text is long (${Math.ceil(text.length / 1024)} KiB) and shown as it is.</p>
        <pre tabindex="0">${text.length > Shown ? `${text.slice(0, Shown)}…` : text}</pre>
    </div>`;
}

const blocks = tokens => tokens.map(block);
const inline = tokens => (tokens ?? []).map(part);

function block(token) {
    switch (token.type) {
        case 'heading': return html`<p class=${`h h${token.depth}`} role="heading" aria-level=${Math.min(6, token.depth + 1)}>${inline(token.tokens)}</p>`;
        case 'paragraph': return html`<p>${inline(token.tokens)}</p>`;
        case 'text': return html`<span>${token.tokens ? inline(token.tokens) : token.text}</span>`;
        case 'code': return html`<pre tabindex="0"><code>${token.text}</code></pre>`;
        case 'blockquote': return html`<blockquote>${blocks(token.tokens)}</blockquote>`;
        case 'list': {
            const items = token.items.map(item => html`<li class=${item.task ? 'task' : ''}>
                ${item.task && html`<input type="checkbox" disabled checked=${item.checked} aria-label=${item.checked ? 'done' : 'to do'} />`}
                ${blocks(item.tokens)}</li>`);
            return token.ordered ? html`<ol start=${token.start || 1}>${items}</ol>` : html`<ul>${items}</ul>`;
        }
        case 'table': return html`<div class="scroll" tabindex="0"><table>
            <thead><tr>${token.header.map(cell => html`<th>${inline(cell.tokens)}</th>`)}</tr></thead>
            <tbody>${token.rows.map(row => html`<tr>${row.map(cell => html`<td>${inline(cell.tokens)}</td>`)}</tr>`)}</tbody>
        </table></div>`;
        case 'hr': return html`<hr />`;
        case 'space': case 'def': return null;
        default: return html`<p>${token.raw}</p>`;
    }
}

function part(token) {
    switch (token.type) {
        case 'strong': return html`<strong>${inline(token.tokens)}</strong>`;
        case 'em': return html`<em>${inline(token.tokens)}</em>`;
        case 'del': return html`<del>${inline(token.tokens)}</del>`;
        case 'codespan': return html`<code>${token.text}</code>`;
        case 'br': return html`<br />`;
        case 'link': {
            const address = safe(token.href);
            return address ? html`<a href=${address} rel="noopener noreferrer" target="_blank">${inline(token.tokens)}</a>` : token.raw;
        }
        // Pictures from elsewhere would tell their host who reads.
        case 'image': {
            const address = safe(token.href);
            return address ? html`<a href=${address} rel="noopener noreferrer" target="_blank">${token.text || address}</a>` : token.raw;
        }
        case 'escape': return token.text;
        case 'text': return token.tokens ? inline(token.tokens) : token.text;
        default: return token.raw;
    }
}

function safe(address) {
    try {
        const url = new URL(address);
        return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}
