/* The theme, before anything is drawn: what was chosen here before, else what the system says. */
(function () {
    "use strict";
    let chosen = null;
    try {
        chosen = localStorage.getItem("spile-theme");
    } catch {
        /* storage may be forbidden: the system's theme it is */
    }
    if (chosen === "light" || chosen === "dark")
        document.documentElement.dataset.theme = chosen;
})();
