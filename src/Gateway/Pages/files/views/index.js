// All views, in the order of the navigation. A view is a module whose default export is a component; it gets { parts, query } of its address
// (lib/router.js) and is loaded when it is first opened. docs/pages.md says how one is added.
// name: what stands first in its address. key: `g` and this letter go there. For: 'reader' (whoever is signed in to a project), 'member'
// (not public readers), 'admin'. A view without a title is in no navigation.
const view = (name, title, key, group, audience, load) => ({ name, title, key, group, audience, load });

export const views = [
    view('team', 'Team', 't', 'Work', 'reader', () => import('./team.js')),
    view('board', 'Board', 'b', 'Work', 'reader', () => import('./board.js')),
    view('ready', 'Ready', 'r', 'Work', 'reader', () => import('./ready.js')),
    view('graph', 'Graph', 'g', 'Work', 'reader', () => import('./graph.js')),
    view('activity', 'Activity', 'f', 'Work', 'reader', () => import('./activity.js')),
    view('history', 'History', 'h', 'Work', 'member', () => import('./history.js')),
    view('locks', 'Locks', 'l', 'Work', 'reader', () => import('./locks.js')),
    view('bead', null, null, null, 'reader', () => import('./bead.js')),
    view('mail', 'Mail', 'm', 'Talk', 'member', () => import('./mail.js')),
    view('chat', 'Chat', 'c', 'Talk', 'member', () => import('./chat.js')),
    view('escalations', 'Escalations', 'e', 'Talk', 'member', () => import('./escalations.js')),
    view('hives', 'Hives', 'v', 'Talk', 'member', () => import('./hives.js')),
    view('policy', 'Policy', 'y', 'Project', 'reader', () => import('./policy.js')),
    view('webhooks', 'Webhooks', 'w', 'Project', 'member', () => import('./webhooks.js')),
    view('access', 'Access', 'k', 'Project', 'member', () => import('./access.js')),
    view('connect', 'Connect an agent', 'a', 'Project', 'reader', () => import('./connect.js')),
    view('projects', 'Projects', 'p', 'Server', 'admin', () => import('./projects.js')),
    view('mesh', 'Mesh', 'n', 'Server', 'admin', () => import('./mesh.js')),
    view('instance', 'Server', 's', 'Server', 'admin', () => import('./instance.js')),
];

/** Whether a session may open a view. */
export function opens(view, session) {
    switch (view.audience) {
        case 'admin': return session.kind === 'admin';
        case 'member': return session.kind === 'member';
        default: return session.kind !== 'admin';
    }
}
