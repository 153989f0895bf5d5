// Where one is: `#/view/part?filter=value`. Everything that a page shows by choice stands there, so that it can be sent to somebody, kept as
// a bookmark and gone back to. It stands behind the #: the server needs to know no page, under whatever prefix it serves.
import { Source } from './preact.js';

/** { view, parts: [text…], query: { name: value } } */
export const place = new Source(read());

addEventListener('hashchange', () => { place.value = read(); });

function read() {
    const [path, search = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
    const parts = path.split('/').filter(Boolean).map(part => {
        try {
            return decodeURIComponent(part);
        } catch {
            return part;
        }
    });
    return { view: parts[0] ?? '', parts: parts.slice(1), query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The address of a view: to(['bead', 'bd-1'], { tab: 'history' }). */
export function to(parts, query = {}) {
    const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined));
    return `#/${parts.map(encodeURIComponent).join('/')}${search.size > 0 ? `?${search}` : ''}`;
}

export function go(parts, query) { location.hash = to(parts, query); }

/** Changes parts of the query and leaves no step in the history: for filters as they are typed. */
export function setQuery(changes) {
    const now = place.value;
    const hash = to([now.view, ...now.parts], { ...now.query, ...changes });
    history.replaceState(null, '', hash);
    place.value = read();
}
