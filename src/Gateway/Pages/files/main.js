import { html, render, use, useEffect, useRef, useState } from './lib/preact.js';
import { useAnswer } from './lib/data.js';
import { line, retry, start } from './lib/live.js';
import { inviteCode, product, resume, root, session, signOut } from './lib/session.js';
import { go, place, to } from './lib/router.js';
import { pageKeys, useKeys } from './lib/keys.js';
import { Fence, Problem } from './lib/ui.js';
import { Time } from './lib/time.js';
import { opens, views } from './views/index.js';
import { SignIn } from './views/signin.js';

function App({ invite }) {
    const who = use(session);
    return who ? html`<${Signed} who=${who} key=${who.key ?? who.kind} />` : html`<${SignIn} invite=${invite} />`;
}

function Signed({ who }) {
    const at = use(place);
    const [isHelpShown, showHelp] = useState(false);
    const [isMenuOpen, openMenu] = useState(false);
    const own = views.filter(view => opens(view, who));
    const waiting = useWaiting(who);
    const view = own.find(one => one.name === at.view) ?? (at.view === '' ? own.find(one => one.title) : null);

    useKeys({
        ...pageKeys,
        ...Object.fromEntries(own.filter(one => one.key).map(one => [`g ${one.key}`, () => go([one.name])])),
        '?': () => showHelp(shown => !shown),
        Escape: () => isHelpShown || isMenuOpen ? (showHelp(false), openMenu(false), true) : false,
    });
    useEffect(() => openMenu(false), [at]);
    useEffect(() => {
        document.title = [view?.title ?? at.parts[0], who.slug, 'Beadhub'].filter(Boolean).join(' · ');
    }, [view, at, who]);

    return html`
        <a class="skip" href="#content" onClick=${skip}>To the content</a>
        <header class="top">
            <button type="button" class="menu" aria-expanded=${isMenuOpen} aria-controls="nav" onClick=${() => openMenu(!isMenuOpen)}>Menu</button>
            <a class="brand" href=${to([])}><${Mark} />${who.slug ?? 'Beadhub'}</a>
            <${LineSign} />
            <span class="who">${who.kind === 'admin' ? 'administrator' : who.kind === 'public' ? 'reading' : who.alias ?? 'signed in'}</span>
            <${Theme} />
            <button type="button" onClick=${() => signOut()}>Sign out</button>
        </header>
        <${LineDown} />
        <nav id="nav" class=${isMenuOpen ? 'open' : ''} aria-label="Views">
            ${groups(own).map(([group, members]) => html`<div>
                <p class="group">${group}</p>
                <ul>${members.map(one => html`<li><a href=${to([one.name])} aria-current=${one === view ? 'page' : undefined}>
                    <span>${one.title}${waiting[one.name] > 0 && html` <span class="count" title="waiting for you">${waiting[one.name]}</span>`}</span><kbd aria-hidden="true">g ${one.key}</kbd></a></li>`)}</ul>
            </div>`)}
            <p class="foot"><a href="${root}/docs">API</a> · <button type="button" class="link" onClick=${() => showHelp(true)}>Keys</button> · ${product}</p>
        </nav>
        <main id="content" tabindex="-1">
            <${Fence} name=${`${view?.name}/${at.parts.join('/')}`}>
                ${view ? html`<${Opened} key=${view.name} view=${view} at=${at} />` : html`<h1>Nothing here</h1>
                    <p>This address leads to no page that you may open. <a href=${to([])}>Back to the beginning</a></p>`}
            <//>
        </main>
        ${isHelpShown && html`<${Help} views=${own} close=${() => showHelp(false)} />`}`;
}

/** How much waits for whoever is signed in, by view. */
function useWaiting(who) {
    const { state } = use(line);
    const isMember = who.kind === 'member' && state !== 'connecting';
    const talk = useAnswer(isMember && who.agentId ? '/v1/chat/pending' : null, { on: ['chat', 'message'], every: 60 });
    const asked = useAnswer(isMember ? '/v1/escalations?status=pending&limit=200' : null, { on: ['escalation'], every: 60 });
    return { mail: talk.data?.messages_waiting, chat: talk.data?.pending.length, escalations: asked.data?.escalations.length };
}

const skip = event => {
    event.preventDefault();
    document.getElementById('content').focus();
};

function groups(of) {
    const found = new Map();
    for (const view of of) if (view.title) found.set(view.group, [...found.get(view.group) ?? [], view]);
    return [...found];
}

/** A view, once its module is there and the line stands: what it asks for then misses no event. */
function Opened({ view, at }) {
    const [module, setModule] = useState(null);
    const [error, setError] = useState(null);
    const { state } = use(line);
    useEffect(() => {
        view.load().then(setModule, setError);
    }, [view]);
    if (error) return html`<${Problem} error=${new Error('This page could not be loaded: the server was updated, or cannot be reached.')} retry=${() => location.reload()} />`;
    if (!module || state === 'connecting') return html`<p class="loading" role="status">Loading…</p>`;
    return html`<${module.default} parts=${at.parts} query=${at.query} />`;
}

function Mark() {
    return html`<svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true"><path d="M6 26V6M6 16h20M26 26V6" stroke="currentColor" stroke-width="3" fill="none" /><circle cx="6" cy="16" r="5" /><circle cx="26" cy="16" r="5" class="second" /></svg>`;
}

function LineSign() {
    const { state } = use(line);
    if (state === 'off') return html`<span class="line"></span>`;
    const said = { connecting: 'Connecting', live: 'Live', down: 'Line down' }[state];
    return html`<span class=${`line ${state}`} role="status"><span class="dot"></span>${said}</span>`;
}

function LineDown() {
    const { state, since } = use(line);
    if (state !== 'down') return null;
    return html`<div class="linedown" role="alert">The line to the server is down since <${Time} at=${since.toISOString()} />.
        What you see may be out of date; what you missed comes when it is back. <button type="button" onClick=${retry}>Try now</button></div>`;
}

const themes = ['auto', 'light', 'dark'];

function Theme() {
    const [theme, setTheme] = useState(() => localStorage.getItem('beadhub.theme') ?? 'auto');
    useEffect(() => {
        document.documentElement.dataset.theme = theme;
        localStorage.setItem('beadhub.theme', theme);
    }, [theme]);
    return html`<button type="button" class="theme" aria-label=${`Theme: ${theme}`} onClick=${() => setTheme(themes[(themes.indexOf(theme) + 1) % 3])}>
        ${{ auto: '◐', light: '☀', dark: '☾' }[theme]}</button>`;
}

function Help({ views: of, close }) {
    const dialog = useRef(null);
    useEffect(() => {
        dialog.current.showModal();
    }, []);
    const keys = [['/', 'search this page'], ['j k', 'next and previous row'], ['Enter', 'open the row'], ['?', 'this list'],
        ...of.filter(one => one.key).map(one => [`g ${one.key}`, one.title])];
    return html`<dialog ref=${dialog} onClose=${close} aria-label="Keys">
        <h2>Keys</h2>
        <dl class="keys">${keys.map(([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
        <form method="dialog"><button class="main">Close</button></form>
    </dialog>`;
}

// An invite's address, opened in a browser, leads here: its code leaves the address line at once, so that nobody copies it by accident.
const invite = inviteCode(location.pathname);
if (invite) history.replaceState(null, '', `${root}/${location.hash}`);

document.documentElement.dataset.theme = localStorage.getItem('beadhub.theme') ?? 'auto';
try {
    await resume();
} catch {
    // What vouched does so no more, or the server is away: one can sign in.
}

const app = document.getElementById('app');
app.textContent = '';
start();
render(html`<${App} invite=${invite} />`, app);
