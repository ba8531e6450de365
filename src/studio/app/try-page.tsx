/** @file Ask the models yourself: an image, a question, and the chains of base and trained model as they are written. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { RunFacts, SceneExample, StepChains, TriedModel, TriedName } from "../studio-data.ts";
import { BoxedImage, imageOf } from "./boxed-image.tsx";
import { chat, type Written } from "./chat-stream.ts";
import { MarkedText } from "./marked-text.tsx";
import { ask, ofRun, send, useAsked, withQuery } from "./server.ts";

/** An image to ask about. */
interface Picture {
  /** A data URL, which is what the models get. */
  readonly url: string;
  readonly name: string;
}

interface Example {
  readonly question: string;
  readonly src: string;
}

/** What a model has said of a picture. */
interface Said extends Written {
  readonly picture: Picture;
  readonly fault?: string;
}

const TITLES: Readonly<Record<TriedName, string>> = { base: "Base", trained: "Trained" };

export function TryPage({ run }: { run: RunFacts | undefined }) {
  const id = run?.id;
  const models = useAsked<TriedModel[]>(withQuery("/api/try", { run: id }));
  const examples = useExamples(run);
  const [picture, setPicture] = useState<Picture | undefined>(undefined);
  const [question, setQuestion] = useState("");
  const [temperature, setTemperature] = useState(0);
  const [maxTokens, setMaxTokens] = useState(256);
  const [seed, setSeed] = useState(1);
  const [said, setSaid] = useState<Partial<Record<TriedName, Said>>>({});
  const [state, setState] = useState<"ready" | "opening" | "writing">("ready");
  const [fault, setFault] = useState<string | undefined>(undefined);
  const ended = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => ended.current?.abort(), []);
  usePasted(setPicture);

  const start = async () => {
    if (!picture || question.trim() === "") return;
    ended.current?.abort();
    const own = new AbortController();
    ended.current = own;
    setFault(undefined);
    setSaid({});
    try {
      setState("opening");
      const opened = await send<TriedModel[]>(withQuery("/api/try", { run: id }), own.signal);
      setState("writing");
      await Promise.all(
        opened.map(async ({ name, method }) => {
          const asking = { model: `${name}:${method}`, question, image: picture.url, temperature, maxTokens, seed };
          const show = (written: Written, wrong?: string) => {
            if (!own.signal.aborted)
              setSaid((all) => ({ ...all, [name]: { ...written, picture, ...(wrong && { fault: wrong }) } }));
          };
          show({ text: "", boxes: [] });
          await chat(asking, show, own.signal).catch((error: Error) =>
            show({ text: "", boxes: [], ended: "fault" }, error.message),
          );
        }),
      );
    } catch (error) {
      if (!own.signal.aborted) setFault((error as Error).message);
    }
    if (ended.current === own) setState("ready");
  };
  const stop = () => {
    ended.current?.abort();
    setState("ready");
  };
  const takeExample = async ({ question, src }: Example) => {
    setQuestion(question);
    setPicture(await pictureAt(src, question));
  };

  return (
    <section class="page try">
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <h1>Ask yourself</h1>
        <p class="lead">
          {models.answer?.length === 1
            ? `The model ${lastPart(models.answer[0]!.folder)} answers.`
            : "The model before training and the trained one answer side by side."}
        </p>
        <PictureField picture={picture} onPicture={setPicture} />
        <label class="question-field">
          Question
          <textarea
            rows={2}
            value={question}
            placeholder="What do you want to know of the image?"
            onInput={({ currentTarget }) => setQuestion(currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey) return;
              event.preventDefault();
              void start();
            }}
          />
        </label>
        <details class="settings">
          <summary>
            Sampling: {temperature === 0 ? "the likeliest token each time" : `temperature ${temperature}`}
          </summary>
          <Setting name="Temperature" min={0} max={2} step={0.1} value={temperature} onChange={setTemperature} />
          <Setting name="Most tokens" min={1} max={4096} step={1} value={maxTokens} onChange={setMaxTokens} />
          <Setting name="Seed" min={0} max={2 ** 31} step={1} value={seed} onChange={setSeed} />
        </details>
        <p class="act">
          <button type="submit" class="main" disabled={!picture || question.trim() === "" || state !== "ready"}>
            Ask
          </button>
          {state !== "ready" && (
            <button type="button" class="quiet" onClick={stop}>
              Stop
            </button>
          )}
          <span role="status">
            {state === "opening" ? "Loading the models…" : state === "writing" ? "Writing…" : ""}
          </span>
        </p>
        {(fault ?? models.fault) && (
          <p class="note" role="alert">
            {fault ?? models.fault}
          </p>
        )}
        <Examples examples={examples} onTake={(example) => void takeExample(example)} />
      </form>
      <div class="answers" aria-live="off">
        {(models.answer ?? []).map(({ name, folder }) => (
          <Answer
            key={name}
            title={TITLES[name]}
            model={name === "trained" ? id! : lastPart(folder)}
            said={said[name]}
            picture={picture}
          />
        ))}
      </div>
    </section>
  );
}

/** A file that is dropped, picked or pasted. */
function PictureField({ picture, onPicture }: { picture: Picture | undefined; onPicture: (picture: Picture) => void }) {
  const [isOver, setOver] = useState(false);
  const take = async (files: FileList | null | undefined) => {
    const file = [...(files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) onPicture(await pictureOf(file));
  };
  return (
    <label
      class={`picture-field${isOver ? " over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files);
      }}
    >
      {picture && <img src={picture.url} alt="" />}
      <span>{picture ? "Another image" : "Drop an image here, paste one, or choose a file"}</span>
      <input
        type="file"
        class="unseen"
        accept="image/*"
        aria-label="Image"
        onChange={({ currentTarget }) => void take(currentTarget.files)}
      />
    </label>
  );
}

interface SettingProps {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function Setting({ name, value, onChange, ...limits }: SettingProps) {
  return (
    <label>
      {name}
      <input
        type="number"
        {...limits}
        value={value}
        onChange={({ currentTarget }) => {
          const next = currentTarget.valueAsNumber;
          if (currentTarget.checkValidity() && Number.isFinite(next)) onChange(next);
          else currentTarget.value = String(value);
        }}
      />
    </label>
  );
}

function Examples({ examples, onTake }: { examples: readonly Example[]; onTake: (example: Example) => void }) {
  if (examples.length === 0) return null;
  return (
    <div class="examples">
      <h2>Or begin with one of these</h2>
      <ul>
        {examples.map((example) => (
          <li key={example.src + example.question}>
            <button type="button" onClick={() => onTake(example)}>
              <img src={example.src} alt="" />
              <span dir="auto">{example.question}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface AnswerProps {
  readonly title: string;
  /** Whose it is, in a word. */
  readonly model: string;
  readonly said: Said | undefined;
  readonly picture: Picture | undefined;
}

/** A model's chain on the picture that it was asked about. */
function Answer({ title, model, said, picture }: AnswerProps) {
  const [lit, point] = useState<number | undefined>(undefined);
  const shown = said?.picture ?? picture;
  return (
    <article class="card answer" aria-label={title} aria-busy={said !== undefined && said.ended === undefined}>
      <header>
        <h2>
          {title} <span>{model}</span>
        </h2>
      </header>
      <div class="seen">
        {shown ? (
          <MeasuredImage picture={shown} said={said} lit={lit} onPoint={point} />
        ) : (
          <p class="empty-picture">The image and the boxes come here.</p>
        )}
      </div>
      <div class="said">
        {said && (said.text !== "" || said.ended) && !said.fault && (
          <MarkedText text={said.text} boxes={said.boxes} lit={lit} onPoint={point} />
        )}
        {said?.ended === "length" && <p class="note">Cut off at the token limit.</p>}
        {said?.fault && (
          <p class="note" role="alert">
            {said.fault}
          </p>
        )}
      </div>
    </article>
  );
}

interface MeasuredImageProps {
  readonly picture: Picture;
  readonly said: Said | undefined;
  readonly lit: number | undefined;
  readonly onPoint: (box: number | undefined) => void;
}

/** Boxes are in pixels of the stored image, whose size is known when it is there. */
function MeasuredImage({ picture, said, lit, onPoint }: MeasuredImageProps) {
  const [size, setSize] = useState<{ url: string; width: number; height: number } | undefined>(undefined);
  const count = said?.boxes.length ?? 0;
  if (size?.url !== picture.url) {
    return (
      <img
        class="measuring"
        src={picture.url}
        alt={picture.name}
        onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
          setSize({ url: picture.url, width, height })
        }
      />
    );
  }
  return (
    <BoxedImage
      src={picture.url}
      width={size.width}
      height={size.height}
      boxes={said?.boxes ?? []}
      lit={lit}
      onPoint={onPoint}
      label={`${picture.name}, with ${count} ${count === 1 ? "box" : "boxes"}`}
    />
  );
}

/** Questions of the run's newest step; rendered scenes without a run. */
function useExamples(run: RunFacts | undefined): readonly Example[] {
  const [examples, set] = useState<readonly Example[]>([]);
  const step = run?.rolloutSteps.at(-1);
  const id = run?.id;
  useEffect(() => {
    const ended = new AbortController();
    examplesOf(id, step, ended.signal).then(set, () => {});
    return () => ended.abort();
  }, [id, step]);
  return examples;
}

/** Examples that are offered. */
const MOST_EXAMPLES = 8;

async function examplesOf(run: string | undefined, step: number | undefined, signal: AbortSignal): Promise<Example[]> {
  if (run === undefined || step === undefined) {
    const scenes = await ask<SceneExample[]>("/api/try/scenes", signal);
    return scenes.map(({ question, image }) => ({ question, src: image }));
  }
  const { chains } = await ask<StepChains>(ofRun(run, "steps", step), signal);
  const bySample = new Map(chains.map(({ id, question, image }) => [id, { question, src: imageOf(run, image) }]));
  return [...bySample.values()].slice(0, MOST_EXAMPLES);
}

/** An image that is pasted anywhere on the page. */
function usePasted(onPicture: (picture: Picture) => void): void {
  useEffect(() => {
    const listener = ({ clipboardData }: ClipboardEvent) => {
      const file = [...(clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      if (file) void pictureOf(file).then(onPicture);
    };
    addEventListener("paste", listener);
    return () => removeEventListener("paste", listener);
  }, []);
}

/** The image at an address of the studio, or in one. */
async function pictureAt(src: string, name: string): Promise<Picture> {
  if (src.startsWith("data:")) return { url: src, name };
  return { ...(await pictureOf(await (await fetch(src)).blob())), name };
}

/** A file as it is, so that the model gets the pixels that are stored. */
function pictureOf(file: Blob): Promise<Picture> {
  const name = file instanceof File && file.name !== "" ? file.name : "the image";
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ url: String(reader.result), name });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
