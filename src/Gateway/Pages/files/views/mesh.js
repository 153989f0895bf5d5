import { html, useState } from '../lib/preact.js';
import { del, post } from '../lib/api.js';
import { useAnswer } from '../lib/data.js';
import { Empty, Field, Form, Loaded, Problem } from '../lib/ui.js';
import { Sure } from '../lib/sure.js';
import { Time } from '../lib/time.js';

/** How hives are exchanged with other sites, for administrators: peers, how far each is behind, what was refused. */
export default function Mesh() {
    const state = useAnswer('/api/v1/federation/status', { every: 5 });
    const groups = useAnswer('/api/v1/sync/groups', { every: 5 });
    const peers = useAnswer('/api/v1/sync/peers', { every: 5 });
    const [error, setError] = useState(null);
    const [tested, setTested] = useState({});
    const reload = () => { groups.reload(); peers.reload(); };
    const act = work => async () => {
        try {
            setError(null);
            await work();
            reload();
        } catch (problem) {
            setError(problem);
        }
    };
    return html`<div class="head"><h1>Mesh</h1></div>
        ${error && html`<${Problem} error=${error} />`}
        <${Loaded} of=${state}>${one => html`<p>${one.enabled ? html`This site meshes with others as <span class="mono">${one.sync.instance_id}</span>.`
            : html`This site meshes with nobody: <code>BEADHUB_SYNC</code> is off.`}</p>`}<//>
        <section><h2>Shared hives</h2><${Loaded} of=${groups}>${({ data }) => data.length === 0
            ? html`<${Empty} title="No hive is shared"><p>A hive that is shared is the same at all its sites, and goes on when one of them is away.</p><//>`
            : data.map(group => html`<${Group} key=${group.id} of=${group} act=${act} />`)}<//>
            <details><summary>Share a hive</summary><div class="prose"><${Form} label="Share a hive" button="Share it" send=${async form => {
                await post('/api/v1/sync/groups', { hive_name: new FormData(form).get('hive').trim() });
                form.reset();
                reload();
                return 'Shared with the peers that name it.';
            }}><${Field} label="Hive"><input name="hive" required minlength="2" maxlength="32" spellcheck="false" /><//><//></div></details></section>
        <section><h2>Sites</h2><${Loaded} of=${peers}>${({ data }) => data.length === 0 ? html`<p class="quiet">None yet.</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label="Sites"><table class="grid">
            <thead><tr><th>Site</th><th>State</th><th>Heard of</th><th>Shares</th><th>From</th><th><span class="hidden">What to do</span></th></tr></thead>
            <tbody>${data.map(one => html`<tr key=${one.id} data-row>
                <td data-label="Site"><span><strong>${one.name}</strong><span class="second mono quiet">${one.sync_endpoint}</span></span></td>
                <td data-label="State"><span><${State} of=${one.status} />${one.last_error && html`<span class="second quiet">${one.last_error}</span>`}</span></td>
                <td data-label="Heard of">${one.last_heartbeat_at ? html`<${Time} at=${one.last_heartbeat_at} />` : html`<span class="quiet">never</span>`}</td>
                <td data-label="Shares"><span>${one.shared_hives.join(', ')}</span></td>
                <td data-label="From"><span>${one.source}${one.discovered_via && ` (${one.discovered_via})`}</span></td>
                <td data-label=""><span class="chips"><button type="button" onClick=${act(async () => {
                    const answer = await post(`/api/v1/sync/peers/${encodeURIComponent(one.id)}/test`);
                    setTested(old => ({ ...old, [one.id]: answer.reachable ? `reached in ${answer.latency_ms} ms` : answer.error ?? 'not reached' }));
                })}>Test</button>
                    <${Sure} question="What came of it stays." yes="Remove it" act=${act(() => del(`/api/v1/sync/peers/${encodeURIComponent(one.id)}`))}>Remove<//></span>
                    ${tested[one.id] && html`<span role="status" class="second">${tested[one.id]}</span>`}</td></tr>`)}</tbody></table></div>`}<//>
            <details><summary>Add a site</summary><div class="prose"><${Form} label="Add a site" button="Add it" send=${async form => {
                const fields = new FormData(form);
                await post('/api/v1/sync/peers', { name: fields.get('name').trim(), sync_endpoint: fields.get('endpoint').trim(),
                    shared_hives: fields.get('hives').split(/[\s,]+/).filter(Boolean), source: 'manual' });
                form.reset();
                reload();
                return 'Added: both shake hands when that site has added this one.';
            }}>
                <${Field} label="Name"><input name="name" required maxlength="200" /><//>
                <${Field} label="Where it is reached"><input name="endpoint" type="url" required class="full" placeholder="https://hub.example.org/sync/v1" /><//>
                <${Field} label="Hives that are shared" hint="Several with commas"><input name="hives" required spellcheck="false" /><//>
            <//></div></details></section>`;
}

function State({ of }) {
    return html`<span class=${`status ${of === 'active' || of === 'connected' ? 'closed' : of === 'pending' || of === 'discovered' ? 'pending' : 'bad'}`}>${of}</span>`;
}

function Group({ of, act }) {
    return html`<section class="group"><h3>${of.hive_name} ${of.sync_group_name !== of.hive_name && html`<span class="quiet">(${of.sync_group_name})</span>`}</h3>
        <p class="quiet">${of.seq} events, state <span class="mono">${of.state_hash.slice(0, 12)}</span>: sites with the same one say the same.</p>
        ${of.peers.length === 0 ? html`<p class="quiet">No site has shaken hands yet.</p>` : html`<div class="scroll" tabindex="0" role="region" aria-label=${`Peers of ${of.hive_name}`}><table class="grid">
            <thead><tr><th>Peer</th><th>State</th><th>Behind</th><th>Sent</th><th>Received</th><th>Last sync</th></tr></thead>
            <tbody>${of.peers.map(peer => html`<tr key=${peer.id}><td data-label="Peer"><span><strong>${peer.name}</strong><span class="second mono quiet">${peer.peer_swarm_id}</span></span></td>
                <td data-label="State"><span><${State} of=${peer.status} />${peer.last_error && html`<span class="second quiet">${peer.last_error}</span>`}</span></td>
                <td data-label="Behind"><span class=${peer.lag > 0 ? 'waits' : ''}>${peer.lag} events</span></td>
                <td data-label="Sent">${peer.last_seq_sent}</td><td data-label="Received">${peer.last_seq_received}</td>
                <td data-label="Last sync">${peer.last_sync ? html`<${Time} at=${peer.last_sync} />` : html`<span class="quiet">never</span>`}</td></tr>`)}</tbody></table></div>`}
        ${of.refused.length > 0 && html`<details><summary>${of.refused.length} refused</summary><ul class="rows">${of.refused.map(one => html`<li>
            <span>${one.event_type} of <span class="mono">${one.origin_instance_id}</span> <span class="quiet">${one.reason}</span></span><${Time} at=${one.at} /></li>`)}</ul></details>`}
        <p class="chips"><${Sure} question="Everything is exchanged anew with its peers." yes="Begin anew" act=${act(() => post(`/api/v1/sync/groups/${encodeURIComponent(of.id)}/resync`))}>Sync anew<//>
            <${Sure} question="The hive stays, and is shared no longer." yes="End it" act=${act(() => del(`/api/v1/sync/groups/${encodeURIComponent(of.id)}`))}>End sharing<//></p></section>`;
}
