export default {
  build: { target: "es2023", rolldownOptions: { input: ["index.html", "typed.html"] } },
};
