/** A WebSocket that the cures can listen to, and that reaches an API on this machine. */

export interface SocketMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

export interface SocketListener {
  sent(message: SocketMessage): void;
  received(message: SocketMessage, deliver: () => void): void;
  closed(): void;
}

/**
 * The client speaks TLS to the realtime endpoint whatever the endpoint's own scheme is, and the API
 * on this machine has no certificate.
 */
export function realtimeAddress(url: string | URL): string {
  return String(url).replace(/^wss:\/\/(localhost|127\.0\.0\.1)(?=[:/])/, "ws://$1");
}

export function listenedSocket(Base: typeof WebSocket, listener: SocketListener): typeof WebSocket {
  return class extends Base {
    #handler: ((event: MessageEvent) => unknown) | null = null;

    constructor(url: string | URL, protocols?: string | string[]) {
      super(realtimeAddress(url), protocols);
      super.addEventListener("message", (event: MessageEvent) => {
        listener.received(message(event.data), () => this.#handler?.call(this, event));
      });
      super.addEventListener("close", () => listener.closed());
    }

    override set onmessage(handler: ((event: MessageEvent) => unknown) | null) {
      this.#handler = handler;
    }

    override get onmessage(): ((event: MessageEvent) => unknown) | null {
      return this.#handler;
    }

    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
      listener.sent(message(data));
      super.send(data as string);
    }
  } as typeof WebSocket;
}

function message(data: unknown): SocketMessage {
  try {
    return JSON.parse(String(data)) as SocketMessage;
  } catch {
    return { type: "unknown" };
  }
}
