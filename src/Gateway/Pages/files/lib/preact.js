// What views build their elements with: one place that names the vendored library.
export {
    html, render, Component, createContext, useCallback, useContext, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useReducer,
    useRef, useState,
} from '../vendor/preact.js';
import { useEffect, useReducer } from '../vendor/preact.js';

/** A value that those who show it follow: `use(source)` renders again when it changes. */
export class Source {
    #value;
    #followers = new Set();

    constructor(value) { this.#value = value; }

    get value() { return this.#value; }

    set value(value) {
        if (value === this.#value) return;
        this.#value = value;
        for (const follow of [...this.#followers]) follow(value);
    }

    follow(follower) {
        this.#followers.add(follower);
        return () => this.#followers.delete(follower);
    }
}

/** The value of a source, in a component. */
export function use(source) {
    const [, again] = useReducer(n => n + 1, 0);
    const { value } = source;
    useEffect(() => {
        const leave = source.follow(again);
        // What came between rendering and following.
        if (value !== source.value) again();
        return leave;
    }, [source]);
    return value;
}
