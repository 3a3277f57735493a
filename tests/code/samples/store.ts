import { Item } from "./item";

declare global {
  interface Window {
    store: Store;
  }
}

const DEFAULTS: Readonly<Options> = { size: 10 };

// Keeps items by their id.
abstract class Store<T = Item> implements Iterable<T> {
  static #count = 0;
  protected items: Record<string, T> = {};

  abstract key(item: T): string;

  get size(): number {
    return Object.keys(this.items).length;
  }

  add(item: T): this;
  add(item: T, at?: number): this {
    this.items[this.key(item)] = item;
    return this;
  }

  *[Symbol.iterator](): Iterator<T> {
    yield* Object.values(this.items);
  }
}

export const useStore = create<State>()((set) => ({
  count: 0,
  grow() {
    set({ count: 1 });
  },
}));

export const handlers = {
  open: async (id: string) => {
    return id;
  },
  close(id: string) {
    return -id;
  },
} satisfies Handlers;

function isItem(value: unknown): value is Item {
  return typeof value === "object";
}

export default isItem;
