import { html } from '../lib/preact.js';
import { all, useAnswer } from '../lib/data.js';
import { enterProject } from '../lib/session.js';
import { Empty, Form, Lines, Loaded } from '../lib/ui.js';
import { Time } from '../lib/time.js';
import { setQuery, to } from '../lib/router.js';
import { AccessOf } from './access.js';

/** For administrators: the projects, and a way into each. */
export default function Projects({ parts: [id], query }) {
    const answer = useAnswer('/v1/projects?limit=200', { every: 30, load: (path, options) => all(path, 'projects', 20_000, options) });
    if (id) return html`<p class="path"><a href=${to(['projects'])}>Projects</a></p>
        <div class="head"><h1>${answer.data?.find(one => one.project_id === id)?.slug ?? 'Project'}</h1></div><${AccessOf} project=${id} />`;
    const wanted = (query.q ?? '').toLowerCase();
    return html`
        <div class="head"><h1>Projects</h1>
            <input type="search" data-search placeholder="Search  /" aria-label="Search projects" value=${query.q ?? ''} onInput=${e => setQuery({ q: e.target.value })} /></div>
        <${Loaded} of=${answer}>${projects => {
            const shown = projects.filter(one => `${one.slug} ${one.name ?? ''}`.toLowerCase().includes(wanted));
            if (projects.length === 0) return html`<${Empty} title="No projects yet">
                <p>The first agent that joins makes its project:</p><${Lines}>beadhub init --project my-project --alias me<//><//>`;
            return html`<ul class="rows">${shown.map(one => html`<li key=${one.project_id} data-row>
                <span><strong>${one.slug}</strong> <span class="quiet">${one.name !== one.slug && one.name}</span></span>
                <span class="quiet">${one.created_at && html`since <${Time} at=${one.created_at} />`}</span>
                <a href=${to(['projects', one.project_id])}>access</a>
                <details><summary>Enter</summary>
                    <${Form} label=${`Enter ${one.slug}`} button="Enter as this person" send=${async form => { await enterProject(one.project_id, new FormData(form).get('alias').trim()); location.hash = '#/team'; return null; }}>
                        <p class="quiet">You join as a person with a key of your own; the administrators' key leaves this tab.</p>
                        <input name="alias" aria-label="Alias" placeholder="Alias, for example ada" required maxlength="64" />
                    <//></details>
            </li>`)}</ul>`;
        }}<//>`;
}
