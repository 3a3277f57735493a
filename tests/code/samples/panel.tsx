import React, { useState } from "react";
import type { Item } from "./item";

/** What a panel is given. */
export interface PanelProps {
  title: string;
  items: Item[];
}

type Filter = (item: Item) => boolean;

type State = {
  open: boolean;
};

export enum Mode {
  Small,
  Large,
}

/**
 * A panel that folds.
 */
export const Panel: React.FC<PanelProps> = ({ title, items }) => {
  const [open, setOpen] = useState(true);
  return (
    <section>
      <h1 onClick={() => setOpen(!open)}>{title}</h1>
      {open && items.map((item) => <p key={item.id}>{item.name}</p>)}
    </section>
  );
};

@Injectable()
export class PanelService<T extends Item> {
  private readonly cache = new Map<string, T>();

  constructor(private readonly http: Http) {}

  @Memoize()
  async load(id: string): Promise<T | undefined> {
    const item = await this.http.get<T>(`/items/${id}`);
    this.cache.set(id, item);
    return item;
  }

  select = (id: string): void => {
    this.cache.delete(id);
  };

  abstract render(): string;
}

export namespace Filters {
  export function byName(name: string): Filter {
    return (item) => item.name === name;
  }
}

export function parse(text: string): Item;
export function parse(text: string, strict: boolean): Item;
export function parse(text: string, strict = false): Item {
  return JSON.parse(text) as Item;
}

declare module "panel" {
  export const version: string;
}

export default memo(function Wrapped() {
  return <Panel title="a" items={[]} />;
});

describe("Panel", () => {
  it("shows its title", async () => {
    expect(await render(<Panel title="a" items={[]} />)).toContain("a");
  });
});
