/** The cards by Vue: the adapter of `examples/vue`. */
import { createApp, defineComponent, h, ref } from "vue";
import { connect } from "lightcone/client";
import { createLightcone } from "../../../../examples/vue/lightcone.ts";
import type * as board from "../module.ts";

const lightcone = createLightcone<typeof board>({ keepMs: 300 });

const Cards = defineComponent({
  props: { name: { type: String, required: true } },
  setup({ name }) {
    const cards = lightcone.useQuery((tables) => tables.card);
    return () =>
      h("section", { "aria-label": name, "data-ready": String(cards.value.ready) }, [
        h(
          "ul",
          cards.value.rows.map(({ id, text }) => h("li", { key: String(id) }, text)),
        ),
      ]);
  },
});

const Add = defineComponent(() => {
  const { call, pending, error } = lightcone.useReducer((reducers) => reducers.addCard);
  const text = ref("");
  const add = (): void => void call({ board: "all", text: text.value }).catch(() => {});
  return () =>
    h("div", [
      h("input", {
        "aria-label": "text",
        onInput: ({ target }: { target: { value: string } }) => (text.value = target.value),
      }),
      h("button", { onClick: add }, "Add"),
      h("p", pending.value > 0 ? "saving" : "saved"),
      error.value instanceof Error ? h("p", { role: "alert" }, error.value.message) : undefined,
    ]);
});

const Page = defineComponent(() => {
  const isShown = ref(true);
  const connection = lightcone.useConnection();
  return () => [
    h("p", { role: "status" }, connection.value.state),
    h("button", { onClick: () => (isShown.value = !isShown.value) }, "show or hide"),
    isShown.value ? [h(Cards, { name: "one" }), h(Cards, { name: "two" })] : [],
    h(Add),
  ];
});

const query = new URLSearchParams(location.search);
const db = connect<typeof board>({ uri: query.get("server") ?? "", database: "board" });
Object.assign(globalThis, { app: { db } });
createApp(Page).use(lightcone.plugin(db)).mount("#root");
