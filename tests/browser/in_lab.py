"""A notebook in a real JupyterLab, as a learner has it: opened, typed into, run, looked at."""

import math
import re

from handmade.learner.texts import lesson_names

LESSONS = lesson_names()
PANEL = "window.jupyterapp.shell.currentWidget"
IDLE = f"() => {PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
ALL_RAN = f"""() => document.querySelector('.jp-Notebook [data-mime-type$="jupyter.error"]')
  || {PANEL}.content.widgets.every(
    c => c.model.type !== 'code' || !c.model.sharedModel.getSource().trim() || c.model.executionCount !== null)"""
WIDE, HIGH = 1200, 1000  # the window
PICTURE = 2200  # how much of a notebook goes into one photograph
# What JupyterLab itself says in the browser's console; the last: a picture that came with the notebook, before its data is in place.
NOISE = re.compile(r"favicon|ResizeObserver loop|ERR_UNKNOWN_URL_SCHEME")

# One cell: what its model holds (outputs), and what is really drawn. An error in a slider's code is only on the page.
CELLS = f"""() => {PANEL}.content.widgets.map(cell => {{
  const outputs = cell.model.type === 'code' ? cell.model.outputs.toJSON() : [];
  const all = what => [...cell.node.querySelectorAll('.jp-OutputArea ' + what)];
  const isWidget = output => output.data?.['application/vnd.jupyter.widget-view+json'];
  const isDrawn = (output, k) => {{
    const node = cell.outputArea.widgets[k]?.node.querySelector('.jp-OutputArea-output');
    return node && node.offsetHeight > 5 && node.querySelector('*');
  }};
  return {{
    type: cell.model.type,
    source: cell.model.sharedModel.getSource(),
    tags: cell.model.getMetadata('tags') ?? [],
    marks: cell.model.getMetadata('nbgrader') ?? {{}},
    ran: cell.model.type === 'code' && cell.model.executionCount !== null,
    text: cell.node.querySelector('.jp-Cell-outputArea')?.innerText ?? '',
    red: [...outputs.filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue),
          ...outputs.filter(o => o.name === 'stderr').map(o => o.text),
          ...all('[data-mime-type$="jupyter.error"], [data-mime-type$="jupyter.stderr"]').map(e => e.innerText)],
    widgets: outputs.filter(isWidget).length,
    drawn: outputs.filter((o, k) => isWidget(o) && isDrawn(o, k)).length,
    broken: all('*').filter(e => !e.children.length).map(e => e.textContent).filter(
      t => /^(Error (displ|creat|render)|Loading widget|Javascript Error|.*Model not found)|Your code raised/i.test(t)),
    hidden: Math.max(0, ...[...cell.node.querySelectorAll('.jp-InputArea .cm-scroller')].map(
      e => e.scrollWidth - e.clientWidth)),
    images: all('img').filter(e => e.offsetParent).map(e => ({{drawn: e.complete && e.naturalWidth > 0, alt: e.alt}})),
  }}; }})"""


class Notebook:
    """One notebook, open in the browser's page."""

    def __init__(self, page, path):
        self.page = page
        page.console_errors.clear()
        page.evaluate(
            """async path => {
              const panel = await window.jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
              await panel.context.ready;
              await panel.sessionContext.ready;
              window.jupyterapp.shell.collapseLeft(); }""",
            path,
        )
        self.wait()

    def wait(self):
        """Wait until the kernel has nothing to do."""
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(IDLE, timeout=120_000)

    def sources(self):
        return self.page.evaluate(f"() => {PANEL}.content.widgets.map(c => c.model.sharedModel.getSource())")

    def number(self, start):
        """Return the number of the first cell that begins so."""
        return next(i for i, source in enumerate(self.sources()) if source.startswith(start))

    def text(self, start):
        """Return what is under the first cell that begins so."""
        script = f"i => {PANEL}.content.widgets[i].node.querySelector('.jp-Cell-outputArea')?.innerText ?? ''"
        return self.page.evaluate(script, self.number(start))

    def type(self, number, answer):
        """Write an answer into a cell with the keyboard, in place of what is there."""
        self.page.evaluate(
            f"i => {{ {PANEL}.content.activeCellIndex = i; {PANEL}.content.mode = 'edit'; }}", number
        )
        self.page.locator(".jp-Notebook .jp-Cell.jp-mod-active .cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(answer)
        script = f"i => {PANEL}.content.widgets[i].model.sharedModel.getSource()"
        assert self.page.evaluate(script, number) == answer

    def run(self, start):
        """Run one cell."""
        script = f"async i => {{ {PANEL}.content.activeCellIndex = i; await window.jupyterapp.commands.execute('notebook:run-cell'); }}"
        self.page.evaluate(script, self.number(start))
        self.wait()

    def run_all(self, command="notebook:run-all-cells", timeout=600):
        """Run All by a command of JupyterLab's menu, and wait until all is drawn, or a traceback has ended it."""
        self.page.evaluate(
            """command => { window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
              window.jupyterapp.commands.execute(command); }""",
            command,
        )
        if "restart" in command:
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function(ALL_RAN, timeout=1000 * timeout)
        self.wait()
        self.page.wait_for_timeout(700)  # for widgets and pictures

    def cells(self):
        """Return what there is to know of each cell: see CELLS."""
        return self.page.evaluate(CELLS)

    def console(self):
        """Return what went wrong in the browser since the notebook was opened."""
        return [text for text in self.page.console_errors if not NOISE.search(text)]

    def photograph(self, name):
        """Photograph the whole notebook from top to bottom, as NAME-00.png, NAME-01.png and so on."""
        self.page.set_viewport_size({"width": WIDE, "height": PICTURE})
        panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
        self.page.wait_for_timeout(200)
        height, view = panel.evaluate("e => [e.scrollHeight, e.clientHeight]")
        for old in name.parent.glob(f"{name.name}-[0-9][0-9].png"):
            old.unlink()
        for k in range(math.ceil(height / view)):
            panel.evaluate("(e, y) => e.scrollTop = y", k * view)
            self.page.wait_for_timeout(150)
            self.page.screenshot(path=name.with_name(f"{name.name}-{k:02d}.png"))
        self.page.set_viewport_size({"width": WIDE, "height": HIGH})

    def theme(self, name):
        """Change JupyterLab's colours: "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate(
            "async theme => { await window.jupyterapp.commands.execute('apputils:change-theme', {theme}); }",
            name,
        )
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.wait_for_timeout(300)

    def save(self):
        self.page.evaluate(f"async () => {{ await {PANEL}.context.save(); }}")

    def close(self):
        """Shut the kernel down, and close the notebook without a question."""
        self.page.evaluate(
            f"""async () => {{ const panel = {PANEL};
              await panel.sessionContext.shutdown();
              panel.context.model.dirty = false;
              panel.dispose(); }}"""
        )
