// Calls of the API, with the key of the session.
import { root, session, signOut } from './session.js';

/** What the server refused, in its words. */
export class ApiError extends Error {
    constructor(status, detail, body) {
        super(detail);
        this.status = status;
        this.body = body;
    }
}

/** The server could not be reached. */
export class LineError extends Error {
    constructor() { super('The server cannot be reached.'); }
}

export const get = (path, options) => request('GET', path, options);
export const post = (path, body, options) => request('POST', path, { body: body ?? {}, ...options });
export const put = (path, body, options) => request('PUT', path, { body, ...options });
export const patch = (path, body, options) => request('PATCH', path, { body, ...options });
export const del = (path, options) => request('DELETE', path, options);

/**
 * @param path With its query, from `/v1`.
 * @param options body (sent as JSON); key (that of the session unless given; null for none); headers; signal; raw (answers the Response).
 */
export async function request(method, path, { body, key = session.value?.key ?? null, headers = {}, signal, raw = false } = {}) {
    const sent = { Accept: 'application/json', ...headers };
    if (key) sent.Authorization = `Bearer ${key}`;
    if (body !== undefined) sent['Content-Type'] = 'application/json';
    let response;
    try {
        response = await fetch(root + path, {
            method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal, cache: 'no-store',
            credentials: 'same-origin', redirect: 'error',
        });
    } catch (error) {
        throw error.name === 'AbortError' ? error : new LineError();
    }

    if (!response.ok) await refuse(response, key);
    if (raw) return response;
    return response.status === 204 ? null : await response.json();
}

async function refuse(response, key) {
    const text = await response.text();
    let body = null;
    try {
        body = JSON.parse(text);
    } catch {
        // A proxy's page.
    }

    // The key of this very session opens nothing any more.
    if (response.status === 401 && key && key === session.value?.key)
        signOut('Your key is no longer good: it was revoked, or has expired. Sign in with another one.');
    // What every server says of a path that it does not have.
    if (response.status === 404 && body?.detail === 'Not Found')
        throw new ApiError(404, 'The server does not know this request: it may be of an older version than the page.', body);
    throw new ApiError(response.status, said(body) ?? `The server answered ${response.status}.`, body);
}

function said(body) {
    const detail = body?.detail ?? body?.error?.message ?? body?.error ?? body?.message;
    if (typeof detail === 'string') return detail;
    if (!Array.isArray(detail)) return null;
    return detail.map(one => [one.loc?.slice(1).join('.'), one.msg].filter(Boolean).join(': ')).join('; ');
}

/** A query from the fields that have a value. */
export function query(fields) {
    const parts = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== null && value !== '') parts.set(name, value);
    const text = parts.toString();
    return text && `?${text}`;
}
