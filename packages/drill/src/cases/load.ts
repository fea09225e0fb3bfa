// Finds the cases: one file each, the path is the slug.
import { readdirSync } from 'node:fs';
import { type DrillCase, areas } from '../case.ts';

/** All cases, in the order of the areas and then by name. */
export async function loadCases(): Promise<DrillCase[]> {
  const files = areas.flatMap((area) =>
    readdirSync(new URL(`./${area}/`, import.meta.url))
      .filter((file) => /^[a-z0-9-]+\.(?:ts|js)$/.test(file))
      .sort()
      .map((file) => ({ area, file })),
  );
  return Promise.all(
    files.map(async ({ area, file }) => {
      const url = new URL(`./${area}/${file}`, import.meta.url).href;
      const module = (await import(url)) as { default: DrillCase };
      const slug = `${area}/${file.replace(/\.(?:ts|js)$/, '')}`;
      if (module.default.slug !== slug) {
        throw new Error(`The case in ${slug} calls itself ${module.default.slug}.`);
      }
      return module.default;
    }),
  );
}
