// The keyboard. `/` goes to the search of a page, `j` and `k` along its rows, Enter opens one; `g` and a letter go to a view; `?` tells.
import { useEffect, useRef } from './preact.js';

const layers = [];
let prefix = null;
let prefixTimer = 0;

/**
 * Listens for keys while a component is shown; the newest component is asked first.
 * @param bindings { 'j': fn, 'g b': fn, 'Escape': fn }; a function that answers false lets the key go on.
 */
export function useKeys(bindings) {
    const newest = useRef(bindings);
    newest.current = bindings;
    useEffect(() => {
        const layer = { get bindings() { return newest.current; } };
        layers.push(layer);
        return () => layers.splice(layers.indexOf(layer), 1);
    }, []);
}

addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.closest?.('input, textarea, select, [contenteditable]');
    if (isTyping && event.key !== 'Escape') return;
    const name = prefix ? `${prefix} ${event.key}` : event.key;
    prefix = null;
    clearTimeout(prefixTimer);
    for (const { bindings } of [...layers].reverse()) {
        const run = bindings[name];
        if (run && run(event) !== false) {
            event.preventDefault();
            return;
        }
    }

    if (isTyping) event.target.blur();
    else if (name === 'g') {
        prefix = 'g';
        prefixTimer = setTimeout(() => { prefix = null; }, 1500);
    }
});

const rows = () => [...document.querySelectorAll('[data-row]')].filter(row => row.offsetParent !== null);

/** What every page knows: rows are elements with `data-row`, its search is the input with `data-search`. */
export const pageKeys = {
    '/': () => {
        const search = document.querySelector('[data-search]');
        if (!search) return false;
        search.focus();
        search.select();
        return true;
    },
    j: () => step(1),
    k: () => step(-1),
    Enter: event => {
        if (event.target.closest?.('a, button, summary')) return false;
        const row = event.target.closest?.('[data-row]');
        const link = row?.matches('a') ? row : row?.querySelector('a');
        if (!link) return false;
        link.click();
        return true;
    },
};

function step(by) {
    const all = rows();
    if (all.length === 0) return false;
    const at = all.indexOf(document.activeElement?.closest('[data-row]'));
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    if (!next.matches('a, button')) next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
    return true;
}
