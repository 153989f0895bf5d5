// Who has signed in. The key stays in this tab's session storage, and goes out in the Authorization header only: the API knows no cookies,
// so no other site's page can act by a key that a browser would send by itself, and nothing has to defend against that. What could read
// the storage is a foreign script in this page, which the Content-Security-Policy keeps out.
import { Source } from './preact.js';
import { request } from './api.js';

const Kept = 'beadhub.session';
const page = document.documentElement.dataset;

/** Path under which Beadhub lives on its host; empty at the root. */
export const root = page.root;
export const product = page.product;
const isVouchedFor = page.vouched === 'yes';

/**
 * null before anybody has signed in; else
 * kind: 'member' (may write as `alias`, unless its role is 'observer'), 'admin', 'public' (reads only); key, apiKeyId; projectId, slug,
 * agentId, alias, humanName; role.
 */
export const session = new Source(null);

/** Why the last session ended by itself; shown where one signs in. */
export const ending = new Source(null);

export const isAdmin = () => session.value?.kind === 'admin';
export const mayWrite = () => session.value?.kind === 'member' && session.value.role !== 'observer';
export const leads = () => session.value?.kind === 'member' && session.value.role === 'lead';

/** Goes on with the session of this tab, of a demonstration's visitor, or of a proxy that vouches. False: somebody has to sign in. */
export async function resume() {
    const kept = read();
    if (kept) {
        session.value = kept;
        return true;
    }

    if (page.visitor) await openMember(page.visitor);
    else if (isVouchedFor) await openVouched();
    else return false;
    return true;
}

/** Signs in by a project's key or the administrators' key. */
export async function signIn(key) {
    key = key.trim();
    if (/[^\x21-\x7e]/.test(key)) throw new Error('That is no key: a key is one word.');
    if (key.startsWith('aw_sk_')) await openMember(key);
    else await openAdmin(key);
}

/** Joins the project by an invite, as a person, and signs in by the key that comes of it. */
export async function acceptInvite(text, alias, humanName) {
    const code = inviteCode(text);
    if (!code) throw new Error('That is no invite: paste its address, or the code at its end.');
    const joined = await request('POST', `/i/${code}/v1/init`, {
        key: null, body: { agent_type: 'human', alias: alias || undefined, human_name: humanName || '' },
    });
    await openMember(joined.api_key);
}

/** Lets an administrator into a project, as a person of it. */
export async function enterProject(project, alias) {
    const joined = await request('POST', '/v1/init', { body: { project_id: project, agent_type: 'human', alias, human_name: alias } });
    await openMember(joined.api_key);
}

export function inviteCode(text) {
    const found = /(?:^|\/i\/)([A-Za-z0-9_-]{16,128})\/?(?:[?#].*)?$/.exec(text.trim());
    return found?.[1] ?? null;
}

export function signOut(reason = null) {
    sessionStorage.removeItem(Kept);
    ending.value = reason;
    session.value = null;
}

async function openMember(key) {
    const who = await request('GET', '/v1/auth/introspect', { key });
    open({
        kind: 'member', key, apiKeyId: who.api_key_id ?? null, projectId: who.project_id, slug: who.namespace_slug ?? 'project',
        agentId: who.agent_id ?? null, alias: who.alias ?? null, humanName: who.human_name ?? null, role: await roleOf(who.agent_id, key),
    });
}

/** What an agent may do in its project. A key of the project alone is nobody's; what is not known is asked for, and refused, later. */
async function roleOf(agentId, key) {
    if (!agentId) return 'agent';
    const { agents } = await request('GET', '/v1/roles', { key }).catch(() => ({ agents: [] }));
    return agents.find(one => one.agent_id === agentId)?.role ?? 'agent';
}

/** Goes on with another key of the same agent. */
export function replaceKey(key, apiKeyId) {
    open({ ...session.value, key, apiKeyId });
}

async function openAdmin(key) {
    await request('GET', '/v1/projects?limit=1', { key });
    open({ kind: 'admin', key, projectId: null, slug: null, agentId: null, alias: null, humanName: null });
}

// The proxy's headers say who it is; members may write as the agent that they name, public readers read.
async function openVouched() {
    const who = await request('GET', '/v1/auth/introspect', { key: null });
    const project = who.namespace_slug ? null : await request('GET', '/v1/projects/current', { key: null }).catch(() => null);
    const isMember = Boolean(who.user_id || who.api_key_id);
    session.value = {
        kind: isMember ? 'member' : 'public', key: null, projectId: who.project_id, slug: who.namespace_slug ?? project?.slug ?? 'project',
        agentId: isMember ? who.agent_id ?? null : null, alias: who.alias ?? null, humanName: who.human_name ?? null,
        // Whom a proxy lets in leads, as far as the API goes.
        role: who.user_id ? 'lead' : isMember ? await roleOf(who.agent_id, null) : null,
    };
}

function open(opened) {
    sessionStorage.setItem(Kept, JSON.stringify({ ...opened, visitor: page.visitor }));
    ending.value = null;
    session.value = opened;
}

function read() {
    try {
        const kept = JSON.parse(sessionStorage.getItem(Kept));
        // What was kept of another demonstration, at this same address, opens nothing in this one.
        return typeof kept?.key === 'string' && kept.visitor === page.visitor ? kept : null;
    } catch {
        return null;
    }
}
