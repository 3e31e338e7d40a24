/**
 * The prompts of the golden answers. Chat texts are written by hand as SmolLM2's
 * template renders them, so that they check our rendering.
 */
export type GoldenPrompt = {
  readonly name: string;
  readonly text: string;
  /** Present if `text` is a rendered chat that ends where the assistant begins. */
  readonly messages?: readonly { readonly role: string; readonly content: string }[];
};

const DEFAULT_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face";

function chat(name: string, messages: { role: string; content: string }[]): GoldenPrompt {
  const withSystem =
    messages[0]?.role === "system"
      ? messages
      : [{ role: "system", content: DEFAULT_SYSTEM }, ...messages];
  const turns = withSystem.map(
    ({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`,
  );
  return { name, messages, text: `${turns.join("")}<|im_start|>assistant\n` };
}

const LONG_ENGLISH = [
  "The lighthouse at the end of the island had been dark for eleven years when Maren first climbed its stairs.",
  "Two hundred and six steps wound up through the cold stone, and every landing had a narrow window that looked over the sea.",
  "Her grandfather had kept the lamp until the company replaced him with a timer, and then replaced the timer with nothing at all.",
  "Ships now found their way by satellites, people said, and nobody needed a man with a can of oil and a brass telescope.",
  "But on the night of the great storm, in the first week of November, the satellites did not help the fishing boats of the village.",
  "The radio spoke of magnetic disturbances, of a sun that had thrown a piece of itself at the earth, and then it spoke no more.",
  "Maren stood on the harbour wall with the other families and counted the lights that came home: seven, nine, twelve.",
  "Three were missing, and one of them was her brother's.",
  "She did not remember deciding to run. She remembered the key under the third stone, and the smell of rust and dust and old paraffin.",
  "The lens was still there, a great beehive of glass taller than she was, and someone had covered it with a sailcloth.",
  "She pulled the cloth away, and the moon came in through the panes and broke into a hundred small moons on the walls.",
  "There was oil in the tank, though it was thick as honey, and there were matches in her pocket because she always carried them for the stove.",
  "The first match went out. The second lit the wick for the length of a breath and died.",
  "She cupped her hands around the third, as her grandfather had shown her when she was six years old, and she waited.",
  "Out on the water, beyond the rocks that the charts called the Teeth, a man who had turned off his engine to listen for the shore lifted his head.",
  "He saw the beam pass over the waves, slow and steady, exactly as it used to pass through the window of his bedroom.",
  "When morning came, the whole village was standing on the beach, and",
].join(" ");

const LONG_MIXED = `# Changelog of the weather station

## 3.2.0 (2024-11-05)

- The rain gauge now reports in millimetres per hour instead of per day; old files are converted on start.
- Fixed: a temperature of exactly 0.0 degrees was shown as "no data" (#418).
- Fixed: the wind direction jumped from 359 to 0 and spoiled the average (#421).

\`\`\`python
def mean_direction(samples):
    x = sum(math.cos(math.radians(s)) for s in samples)
    y = sum(math.sin(math.radians(s)) for s in samples)
    return math.degrees(math.atan2(y, x)) % 360
\`\`\`

## 3.1.4 (2024-08-19)

- Ajout de la traduction française : « Température », « Humidité », « Pression atmosphérique ».
- 中文翻译：温度、湿度、气压、风速。
- The battery warning comes at 20 % and not at 5 %, because solar panels need a day to recover.

| sensor   | unit | interval | error  |
|----------|------|----------|--------|
| BME280   | °C   | 60 s     | ±0.5   |
| DS18B20  | °C   | 30 s     | ±0.2   |
| MPX4115  | hPa  | 120 s    | ±1.5   |

## 3.1.0 (2024-05-02)

- New: alarms. Write a rule such as \`wind > 80 km/h for 10 min\` and choose who is told, by mail or by a message 📱.
- New: the page works without a network ⚡ and sends what it measured when the network is back.
- Removed: the Flash version of the chart. It served us well from 2009 to 2024. Thank you, and good night 🌙.

## 3.0.0 (2024-01-15)

-`;

export const PROMPTS: readonly GoldenPrompt[] = [
  { name: "english-capital", text: "The capital of France is" },
  { name: "english-story", text: "Once upon a time, in a small village by the sea, there lived" },
  { name: "english-science", text: "Water boils at a lower temperature on a mountain because" },
  { name: "english-list", text: "The seven days of the week are:\n1. Monday\n2." },
  { name: "english-one-token", text: "The" },
  { name: "english-numbers", text: "1, 1, 2, 3, 5, 8, 13, 21, 34, 55," },
  {
    name: "french-geography",
    text: "La France est un pays situé en Europe de l'Ouest. Sa capitale est",
  },
  {
    name: "french-story",
    text: "Il était une fois, dans une forêt profonde, un vieux bûcheron qui",
  },
  { name: "german-greeting", text: "Guten Morgen! Ich heiße Jürgen und ich wohne in" },
  { name: "code-python", text: 'def fibonacci(n):\n    """Return the n-th Fibonacci number."""\n' },
  {
    name: "code-javascript",
    text: "// Sorts the numbers from small to large.\nfunction sortNumbers(numbers) {\n  return",
  },
  { name: "code-html", text: "<!DOCTYPE html>\n<html>\n  <head>\n    <title>My page</title>\n" },
  {
    name: "json-object",
    text: '{"name": "Ada Lovelace", "born": 1815, "field": "mathematics"}\n{"name": "Alan Turing", "born":',
  },
  { name: "json-array", text: '[{"id": 1, "ok": true}, {"id": 2, "ok": false}, {"id": 3,' },
  { name: "emoji", text: "I love pizza 🍕 and I love cats 🐱 and I love 👩‍👩‍👧‍👦" },
  { name: "chinese", text: "北京是中国的首都。上海是" },
  { name: "japanese-and-emoji", text: "今日は天気がいいです☀️。明日は" },
  { name: "whitespace", text: "a  b   c\t\td\n\n\n  e\r\n" },
  { name: "long-english", text: LONG_ENGLISH },
  { name: "long-mixed", text: LONG_MIXED },
  chat("chat-capital", [{ role: "user", content: "What is the capital of France?" }]),
  chat("chat-system", [
    { role: "system", content: "You answer in one short sentence." },
    { role: "user", content: "Why is the sky blue?" },
  ]),
  chat("chat-turns", [
    { role: "user", content: "My name is Zoé. Remember it." },
    { role: "assistant", content: "Hello Zoé! I will remember your name." },
    { role: "user", content: "What is my name?" },
  ]),
  chat("chat-french", [{ role: "user", content: "Écris une phrase sur l'été." }]),
  chat("chat-json", [
    {
      role: "user",
      content: 'Give me a JSON object with the keys "city" and "country" for Tokyo.',
    },
  ]),
];
