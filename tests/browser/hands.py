"""Two ways to use a page: by keyboard alone, and by touch. Both see to it that people could do the same."""

from abc import ABC, abstractmethod
from typing import ClassVar

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 150
LEAST_PX = 24
"""How small a target may be: WCAG 2.2, 2.5.8."""

# Of what has the focus: its words for a complaint, whether one sees that it has it, and whether anything
# of it can be seen at all (WCAG 2.2, 2.4.7 and 2.4.11). What its label draws for it is looked for there.
_SEEN = """(control) => {
  if (control === document.body) return ["the page", true, true];
  const inParts = ["date", "time", "datetime-local"].includes(control.type); // the browser marks the part
  const label = control.closest("label") ?? control.labels?.[0];
  const drawn = [control, label, control.nextElementSibling].filter(Boolean);
  const marked = drawn.some((one) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none";
  });
  const shown = [control, label].filter(Boolean).some((one) =>
    [...one.getClientRects()].some((box) =>
      [[0.5, 0.5], [0.1, 0.2], [0.9, 0.2], [0.1, 0.8], [0.9, 0.8]].some(([x, y]) => {
        const there = document.elementFromPoint(box.x + box.width * x, box.y + box.height * y);
        return there && (one.contains(there) || there.contains(one) && there.closest("label"));
      })));
  return [control.outerHTML.slice(0, 120), marked || inParts, shown];
}"""


class Hands(ABC):
    """Whoever uses a page once it is there, scripts and all. `width`: of their window, in CSS pixels."""

    width: ClassVar[int]

    def __init__(self, page: Page) -> None:
        self.page = page

    @abstractmethod
    def press(self, control: Locator) -> None:
        """A button, a link, the head of what can be unfolded."""

    @abstractmethod
    def tick(self, box: Locator) -> None:
        """A checkbox, or one of several radio buttons."""

    @abstractmethod
    def write(self, field: Locator, words: str) -> None:
        """Type into a field, instead of what is in it."""


class Keyboard(Hands):
    """Somebody without a mouse: Tab from one control to the next, and none may be hidden or unmarked."""

    width = 1440

    def press(self, control: Locator) -> None:
        self._reach(control)
        self.page.keyboard.press("Enter")

    def tick(self, box: Locator) -> None:
        if box.get_attribute("type") == "checkbox":
            self._reach(box)
            self.page.keyboard.press("Space")
            return
        name = box.get_attribute("name")
        group = box.locator("xpath=ancestor::form").locator(f"input[type=radio][name='{name}']")
        self._reach(group, among=True)
        self.page.keyboard.press("Space")
        for _ in range(group.count()):
            self._look()
            if box.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow leads to {box}")

    def write(self, field: Locator, words: str) -> None:
        self._reach(field)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(words)

    def _reach(self, control: Locator, among: bool = False) -> None:
        (control.first if among else control).wait_for(state="attached")
        self.page.wait_for_load_state()
        for _ in range(MOST_TABS):
            if control.evaluate_all("(all) => all.includes(document.activeElement)"):
                self._look()
                return
            self.page.keyboard.press("Tab")
            self._look()
        raise AssertionError(f"{MOST_TABS} times Tab don't lead to {control}")

    def _look(self) -> None:
        what, marked, shown = self.page.evaluate(f"({_SEEN})(document.activeElement)")
        assert marked, f"one can't see that it has the focus: {what}"
        assert shown, f"has the focus and is hidden: {what}"


class Touch(Hands):
    """Somebody with a thumb and a phone: what they tap is large enough."""

    width = 390

    def press(self, control: Locator) -> None:
        self._tap(control)

    def tick(self, box: Locator) -> None:
        self._tap(box.locator("xpath=ancestor::label"))

    def write(self, field: Locator, words: str) -> None:
        self._tap(field)
        expect(field).to_be_focused()
        field.select_text()
        self.page.keyboard.type(words)

    def _tap(self, control: Locator) -> None:
        self.page.wait_for_load_state()
        box = None
        while box is None:  # it may be drawn anew at any moment: then it is looked for, and found, again
            expect(control).to_be_visible()
            box = control.bounding_box()
        assert min(box["width"], box["height"]) >= LEAST_PX, f"{control} is {box}"
        control.tap()
