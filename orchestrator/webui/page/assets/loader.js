// Puts pictures of the service into img elements. Without a key the browser loads them by their address, lazily; with a
// key they are fetched with it when they come near the window.

const nearby = "400px";

export class PictureLoader {
  #client;
  #addresses = new WeakMap();
  #watcher = null;

  constructor(client) {
    this.#client = client;
  }

  /** Shows `address` in `img` once it is near the window. The img gets the class "ready" or "broken". */
  lazily(img, address) {
    this.#mark(img);
    if (!this.#client.keyed) {
      img.loading = "lazy";
      img.src = address;
      return;
    }
    this.#addresses.set(img, address);
    this.#watcher ??= new IntersectionObserver((entries) => this.#arrived(entries), { rootMargin: nearby });
    this.#watcher.observe(img);
  }

  /** Shows `address` in `img` now. */
  now(img, address) {
    this.#mark(img);
    if (this.#client.keyed) this.#fetch(img, address);
    else img.src = address;
  }

  /** Resolves to an address that is loaded and decoded and can be put into an img; rejects where it cannot be shown. */
  async decoded(address, signal) {
    const source = this.#client.keyed ? URL.createObjectURL(await this.#client.bytes(address, signal)) : address;
    const probe = new Image();
    probe.src = source;
    try {
      await probe.decode();
    } catch (error) {
      this.release(source);
      throw error;
    }
    return source;
  }

  /** Gives back what `decoded` made. */
  release(source) {
    if (source.startsWith("blob:")) URL.revokeObjectURL(source);
  }

  #mark(img) {
    img.classList.remove("ready", "broken");
    img.onload = () => img.classList.add("ready");
    img.onerror = () => img.classList.add("broken");
  }

  #arrived(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.#watcher.unobserve(target);
      this.#fetch(target, this.#addresses.get(target));
    }
  }

  async #fetch(img, address) {
    this.#addresses.set(img, address);
    try {
      const source = URL.createObjectURL(await this.#client.bytes(address));
      if (this.#addresses.get(img) !== address) {
        URL.revokeObjectURL(source);
        return;
      }
      const drop = () => URL.revokeObjectURL(source);
      img.addEventListener("load", drop, { once: true });
      img.addEventListener("error", drop, { once: true });
      img.src = source;
    } catch {
      img.classList.add("broken");
    }
  }
}
