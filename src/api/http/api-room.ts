/** What the API needs: the room, and the models that the server offers besides the room's own. */
import type { RoomClient } from "../../cluster/index.ts";

export type ApiRoom = {
  readonly client: RoomClient;
  readonly offeredModels: () => Promise<readonly OfferedModel[]>;
};

export type OfferedModel = { readonly name: string; readonly url: string };
