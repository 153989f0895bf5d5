// Times: how long ago, and exactly on hover.
import { html, Source, use } from './preact.js';

const now = new Source(Date.now());
setInterval(() => { if (!document.hidden) now.value = Date.now(); }, 5_000);
document.addEventListener('visibilitychange', () => { now.value = Date.now(); });

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const steps = [['y', 31_536_000], ['mo', 2_592_000], ['d', 86_400], ['h', 3_600], ['m', 60]];

/** '3 m ago', 'in 2 h', 'now'. */
export function relative(at, from = Date.now()) {
    const seconds = Math.round((from - new Date(at)) / 1000);
    const span = duration(Math.abs(seconds));
    return Math.abs(seconds) < 10 ? 'now' : seconds > 0 ? `${span} ago` : `in ${span}`;
}

/** '3 m', '2 h'. */
export function duration(seconds) {
    for (const [name, length] of steps) if (seconds >= length) return `${Math.floor(seconds / length)} ${name}`;
    return `${Math.floor(seconds)} s`;
}

/** @param at ISO text; nothing is shown without one. @param plain Leaves out 'ago': for columns that say 'since'. */
export function Time({ at, plain = false }) {
    const from = use(now);
    if (!at || Number.isNaN(Date.parse(at))) return null;
    const shown = plain ? duration(Math.max(0, (from - new Date(at)) / 1000)) : relative(at, from);
    return html`<time datetime=${at} title=${exact.format(new Date(at))}>${shown}</time>`;
}
