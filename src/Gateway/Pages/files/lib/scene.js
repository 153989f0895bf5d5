// A graph on a canvas: thousands of nodes and tens of thousands of edges that can be dragged and zoomed without a frame that takes long.
// Nodes are drawn anew for each frame, those only that can be seen. Edges are drawn a few hundred at a time into a picture of their own, which
// is moved along until the next one is finished.
import { Node } from './layered.js';

const Slice = 8;
const EdgesAtOnce = 250;
const StepsAFrame = 4;
const Crowded = 4_000; // So many edges are drawn straight and pale.
const [Smallest, Largest] = [0.02, 2.5];

export class Scene {
    #canvas;
    #select;
    #nodes = [];
    #edges = [];
    #lit = null;
    #selected = -1;
    #camera = { x: 0, y: 0, k: 1 };
    #picture = { canvas: document.createElement('canvas'), camera: null };
    #next = { canvas: document.createElement('canvas'), camera: null };
    #drawing = null;
    #isStale = true;
    #isAsked = false;
    #bounds = { width: 0, height: 0 };
    #pointers = new Map();
    #moved = 0;
    #ended = new AbortController();

    /** @param select Called with the number of the node that somebody has clicked, or -1. */
    constructor(canvas, select) {
        this.#canvas = canvas;
        this.#select = select;
        const on = (name, react, options) => canvas.addEventListener(name, react, { signal: this.#ended.signal, ...options });
        on('pointerdown', e => this.#down(e));
        on('pointermove', e => this.#move(e));
        on('pointerup', e => this.#up(e));
        on('pointercancel', e => this.#pointers.delete(e.pointerId));
        on('wheel', e => { e.preventDefault(); this.zoom(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 0.05 : 0.0015)), e.offsetX, e.offsetY); }, { passive: false });
        on('dblclick', () => this.fit());
        const size = new ResizeObserver(() => this.#resize());
        size.observe(canvas);
        const theme = new MutationObserver(() => this.#redraw());
        theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
        const dark = matchMedia('(prefers-color-scheme: dark)');
        dark.addEventListener('change', () => this.#redraw(), { signal: this.#ended.signal });
        this.#ended.signal.addEventListener('abort', () => { size.disconnect(); theme.disconnect(); });
        this.#resize();
    }

    end() { this.#ended.abort(); }

    /**
     * @param nodes { x, y, id, title, style: 'open' | 'in_progress' | 'closed' | 'blocked', isCritical, isInCircle }
     * @param edges { from, to, style: 'plain' | 'critical' | 'circle' }
     */
    show(nodes, edges, bounds) {
        [this.#nodes, this.#edges, this.#bounds] = [nodes, edges, bounds];
        this.#redraw();
    }

    /** Brings out a node and a set of others (Set, or null for all), and shows it in the middle when asked. */
    light(selected, lit, isCentred = false) {
        [this.#selected, this.#lit] = [selected, lit];
        const node = this.#nodes[selected];
        if (isCentred && node) {
            const k = Math.max(this.#camera.k, 0.8);
            this.#camera = { k, x: this.#width / 2 - node.x * k, y: this.#height / 2 - node.y * k };
        }
        this.#redraw();
    }

    fit() {
        const { width, height } = this.#bounds;
        const k = Math.max(Smallest, Math.min(1.1, (this.#width - 40) / Math.max(1, width), (this.#height - 40) / Math.max(1, height)));
        this.#camera = { k, x: (this.#width - width * k) / 2, y: (this.#height - height * k) / 2 };
        this.#ask();
    }

    zoom(by, x = this.#width / 2, y = this.#height / 2) {
        const camera = this.#camera;
        const k = Math.min(Largest, Math.max(Smallest, camera.k * by));
        this.#camera = { k, x: x - (x - camera.x) * k / camera.k, y: y - (y - camera.y) * k / camera.k };
        this.#ask();
    }

    pan(x, y) {
        this.#camera = { ...this.#camera, x: this.#camera.x + x, y: this.#camera.y + y };
        this.#ask();
    }

    get camera() { return this.#camera; }

    get #width() { return this.#canvas.clientWidth; }

    get #height() { return this.#canvas.clientHeight; }

    get #scale() { return Math.min(2, devicePixelRatio || 1); }

    #resize() {
        const [width, height] = [Math.max(1, Math.round(this.#width * this.#scale)), Math.max(1, Math.round(this.#height * this.#scale))];
        if (this.#canvas.width === width && this.#canvas.height === height) return;
        for (const one of [this.#canvas, this.#picture.canvas, this.#next.canvas]) [one.width, one.height] = [width, height];
        this.#picture.camera = null;
        this.#drawing = null;
        this.#redraw();
    }

    #redraw() {
        this.#isStale = true;
        this.#ask();
    }

    #ask() {
        if (this.#isAsked || this.#ended.signal.aborted) return;
        this.#isAsked = true;
        requestAnimationFrame(() => {
            this.#isAsked = false;
            if (!this.#ended.signal.aborted) this.#draw();
        });
    }

    #draw() {
        const colours = read();
        const isOld = this.#isStale || this.#picture.camera === null || !same(this.#picture.camera, this.#camera);
        if (!this.#drawing && isOld) {
            this.#isStale = false;
            this.#next.camera = this.#camera;
            this.#drawing = this.#drawEdges(this.#next, colours);
        }

        if (this.#drawing) {
            const until = performance.now() + Slice;
            let [isDone, steps] = [false, 0];
            do isDone = this.#drawing.next().done; while (!isDone && ++steps < StepsAFrame && performance.now() < until);
            // Lines are only noted until somebody looks: so they are painted now, and not all of them in the frame that shows the picture.
            this.#canvas.getContext('2d').drawImage(this.#next.canvas, 0, 0, 1, 1, 0, 0, 1, 1);
            if (isDone) {
                this.#drawing = null;
                [this.#picture, this.#next] = [this.#next, this.#picture];
                if (!same(this.#picture.camera, this.#camera)) this.#ask();
            } else this.#ask();
        }

        const to = this.#canvas.getContext('2d');
        const scale = this.#scale;
        to.setTransform(1, 0, 0, 1, 0, 0);
        to.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
        const { camera } = this.#picture;
        if (camera) {
            const by = this.#camera.k / camera.k;
            to.setTransform(by, 0, 0, by, (this.#camera.x - camera.x * by) * scale, (this.#camera.y - camera.y * by) * scale);
            to.drawImage(this.#picture.canvas, 0, 0);
        }
        this.#drawNodes(to, colours);
    }

    *#drawEdges({ canvas, camera }, colours) {
        const to = canvas.getContext('2d');
        const { k } = camera;
        const scale = this.#scale;
        to.setTransform(1, 0, 0, 1, 0, 0);
        to.clearRect(0, 0, canvas.width, canvas.height);
        to.setTransform(k * scale, 0, 0, k * scale, camera.x * scale, camera.y * scale);
        const [left, top] = [-camera.x / k, -camera.y / k];
        const [right, bottom] = [left + this.#width / k, top + this.#height / k];
        const isCrowded = this.#edges.length > Crowded;
        const lit = this.#lit;
        for (const style of ['plain', 'critical', 'circle']) {
            let drawn = 0;
            to.strokeStyle = { plain: colours.edge, critical: colours.accent, circle: colours.red }[style];
            to.fillStyle = to.strokeStyle;
            to.lineWidth = (style === 'plain' ? 1.2 : 2.4) / Math.max(0.35, Math.min(1, k)) * (isCrowded && style === 'plain' ? 0.5 : 1);
            for (const isLit of lit ? [false, true] : [true]) {
                to.globalAlpha = isLit ? (isCrowded && style === 'plain' && !lit ? 0.35 : 1) : 0.08;
                to.beginPath();
                for (const edge of this.#edges) {
                    if (edge.style !== style || (lit && isLit !== (lit.has(edge.from) && lit.has(edge.to)))) continue;
                    const [a, b] = [this.#nodes[edge.from], this.#nodes[edge.to]];
                    if (Math.max(a.x, b.x) + Node.width < left || Math.min(a.x, b.x) - Node.width > right
                        || Math.max(a.y, b.y) + Node.height < top || Math.min(a.y, b.y) - Node.height > bottom) continue;
                    arrow(to, a, b, isCrowded, k);
                    if (++drawn % EdgesAtOnce !== 0) continue;
                    to.stroke();
                    to.beginPath();
                    yield;
                }
                to.stroke();
            }
        }
        to.globalAlpha = 1;
    }

    #drawNodes(to, colours) {
        const { k, x, y } = this.#camera;
        const scale = this.#scale;
        to.setTransform(k * scale, 0, 0, k * scale, x * scale, y * scale);
        const [left, top] = [-x / k - Node.width, -y / k - Node.height];
        const [right, bottom] = [left + this.#width / k + 2 * Node.width, top + this.#height / k + 2 * Node.height];
        const [isDetailed, hasTitles] = [k > 0.22, k > 0.5];
        const [w, h] = [Node.width, Node.height];
        to.textBaseline = 'middle';
        this.#nodes.forEach((node, i) => {
            if (node.x < left || node.x > right || node.y < top || node.y > bottom) return;
            to.globalAlpha = this.#lit && !this.#lit.has(i) ? 0.22 : 1;
            to.fillStyle = colours[node.style] ?? colours.open;
            const isMarked = node.isInCircle || node.isCritical;
            if (!isDetailed) {
                if (isMarked) to.fillStyle = node.isInCircle ? colours.red : colours.accent;
                else if (node.style === 'open') to.fillStyle = colours.edge;
                to.fillRect(node.x - w / 2, node.y - h / 2, w, h);
                return;
            }

            to.beginPath();
            to.roundRect(node.x - w / 2, node.y - h / 2, w, h, 6);
            to.fill();
            to.strokeStyle = i === this.#selected ? colours.text : node.isInCircle ? colours.red : node.isCritical ? colours.accent : colours.line;
            to.lineWidth = i === this.#selected ? 2.5 : isMarked ? 2 : 1;
            to.stroke();
            if (!hasTitles) {
                to.fillStyle = colours.text;
                to.font = `600 13px ${colours.mono}`;
                to.fillText(cut(node.id, 20), node.x - w / 2 + 8, node.y);
                return;
            }

            to.fillStyle = colours.quiet;
            to.font = `10px ${colours.mono}`;
            to.fillText(cut(node.id, 26), node.x - w / 2 + 8, node.y - 8);
            to.fillStyle = colours.text;
            to.font = `11.5px ${colours.sans}`;
            to.fillText(cut(node.title, 27), node.x - w / 2 + 8, node.y + 7);
        });
        to.globalAlpha = 1;
    }

    #at(x, y) {
        const camera = this.#camera;
        const [nx, ny] = [(x - camera.x) / camera.k, (y - camera.y) / camera.k];
        return this.#nodes.findIndex(node => Math.abs(node.x - nx) <= Node.width / 2 && Math.abs(node.y - ny) <= Node.height / 2);
    }

    #down(event) {
        this.#canvas.setPointerCapture(event.pointerId);
        this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
        if (this.#pointers.size === 1) this.#moved = 0;
    }

    #move(event) {
        const last = this.#pointers.get(event.pointerId);
        if (!last) {
            this.#canvas.style.cursor = this.#at(event.offsetX, event.offsetY) >= 0 ? 'pointer' : 'grab';
            return;
        }

        const now = { x: event.offsetX, y: event.offsetY };
        this.#moved += Math.abs(now.x - last.x) + Math.abs(now.y - last.y);
        if (this.#pointers.size === 1) {
            this.pan(now.x - last.x, now.y - last.y);
        } else {
            const other = [...this.#pointers].find(([id]) => id !== event.pointerId)[1];
            const apart = point => Math.hypot(point.x - other.x, point.y - other.y);
            this.zoom(apart(now) / Math.max(1, apart(last)), (now.x + other.x) / 2, (now.y + other.y) / 2);
        }
        this.#pointers.set(event.pointerId, now);
    }

    #up(event) {
        if (!this.#pointers.delete(event.pointerId) || this.#pointers.size > 0 || this.#moved > 6) return;
        this.#select(this.#at(event.offsetX, event.offsetY));
    }
}

const same = (a, b) => a.x === b.x && a.y === b.y && a.k === b.k;

const cut = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

function arrow(to, a, b, isStraight, k) {
    const isBack = b.x <= a.x + Node.width / 2;
    const [fx, fy] = isBack ? [a.x, a.y + (b.y >= a.y ? 1 : -1) * Node.height / 2] : [a.x + Node.width / 2, a.y];
    const [tx, ty] = isBack ? [b.x, b.y + (b.y >= a.y ? -1 : 1) * Node.height / 2] : [b.x - Node.width / 2, b.y];
    to.moveTo(fx, fy);
    if (isStraight || k < 0.12) to.lineTo(tx, ty);
    else if (isBack) to.bezierCurveTo(fx, (fy + ty) / 2, tx, (fy + ty) / 2, tx, ty);
    else to.bezierCurveTo((fx + tx) / 2, fy, (fx + tx) / 2, ty, tx, ty);
    if (isStraight || k < 0.3) return;
    const [dx, dy] = isBack ? [0, ty >= fy ? 1 : -1] : [1, 0];
    to.moveTo(tx - 7 * dx - 4 * dy, ty - 7 * dy - 4 * dx);
    to.lineTo(tx, ty);
    to.lineTo(tx - 7 * dx + 4 * dy, ty - 7 * dy + 4 * dx);
}

function read() {
    const style = getComputedStyle(document.documentElement);
    const of = name => style.getPropertyValue(`--${name}`).trim();
    return {
        text: of('text'), quiet: of('quiet'), line: of('line'), accent: of('accent'), red: of('red'), edge: of('edge') || of('quiet'), open: of('raised'),
        in_progress: of('blue-ground'), closed: of('green-ground'), blocked: of('amber-ground'), sans: of('sans'), mono: of('mono'),
    };
}
