import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The names of what was built, and a version made of them, for the service worker to keep. */
function precache() {
  return {
    name: "precache",
    generateBundle(_options, bundle) {
      const worker = bundle["service_worker.js"];
      if (!worker) return;
      const files = ["./", "manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"].concat(
        Object.keys(bundle).filter((name) => name !== "service_worker.js" && name !== "index.html" && !name.endsWith(".map")),
      );
      const contents = Object.values(bundle).map((each) => each.code ?? each.source);
      const version = createHash("sha256").update(contents.join("\n")).digest("hex").slice(0, 12);
      worker.code = `self.PRECACHE=${JSON.stringify({ version, files })};\n${worker.code}`;
    },
  };
}

/** `vite build` makes the app, `vite build --mode device` the client for programs in Node. */
export default defineConfig(({ mode }) => ({
  root: here,
  base: "./",
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: mode === "device" ? [] : [precache()],
  define: mode === "device" ? { "process.env.NODE_ENV": '"production"', global: "globalThis" } : { global: "globalThis" },
  build:
    mode === "device"
      ? {
          outDir: "dist/device",
          emptyOutDir: true,
          copyPublicDir: false,
          minify: false,
          lib: { entry: "src/device.ts", formats: ["iife"], name: "device", fileName: () => "device.js" },
        }
      : {
          outDir: "dist/app",
          emptyOutDir: true,
          target: "es2022",
          chunkSizeWarningLimit: 1200,
          rollupOptions: {
            input: { index: "index.html", service_worker: "src/service_worker.ts" },
            output: { entryFileNames: (chunk) => (chunk.name === "service_worker" ? "[name].js" : "assets/[name]-[hash].js") },
          },
        },
}));
