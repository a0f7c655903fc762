"""Files dropped in the chat, in Chromium: they answer first, show how they fared, and are mended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
expect.set_options(timeout=40_000)
Open = Callable[..., Any]

READ_WITHIN = 90_000  # milliseconds
FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"


def write_order(path: Path) -> Path:
    """A purchase order as a PDF in Chinese, or as Markdown where no font has the signs."""
    from fpdf import FPDF

    lines = ["采购订单 PO-118", "供应商：北礁仪器有限公司", "订单的总金额为 48,650 元，含税。"]
    if not Path(FONT).exists():
        path = path.with_suffix(".md")
        path.write_text("\n\n".join(lines), "utf-8")
        return path
    pdf = FPDF()
    pdf.add_page()
    pdf.add_font("cjk", "", FONT, collection_font_number=2)
    pdf.set_font("cjk")
    for line in lines:
        pdf.cell(text=line)
        pdf.ln(20)
    pdf.output(str(path))
    return path


def write_locked(path: Path) -> Path:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica")
    pdf.cell(text="The code of the safe is nine.")
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    pdf.output(str(path))
    return path


def ask(page: Any, text: str, *files: Path) -> None:
    if files:
        page.locator("[data-testid=stChatInput] input[type=file]").set_input_files(list(files))
        for file in files:
            expect(page.get_by_text(file.name).first).to_be_visible()
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(text)
    send = page.get_by_test_id("stChatInputSubmitButton")
    expect(send).to_be_enabled(timeout=READ_WITHIN)  # not while a file is on its way
    box.press("Enter")


def test_what_is_attached_answers_first_is_shown_mended_and_kept(
    open_page: Open, tmp_path: Path
) -> None:
    order = write_order(tmp_path / "订单.pdf")
    locked = write_locked(tmp_path / "保险箱.pdf")
    page = open_page("zh")
    begun = time.monotonic()
    ask(page, "订单的总金额", order, locked)
    question = page.get_by_test_id("stChatMessage").first
    answer = page.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("48,650", timeout=READ_WITHIN)
    expect(answer).to_contain_text(f"你附上的 {order.name} 中提到了相关内容")
    expect(answer.locator("[class*=st-key-actions-]")).to_be_visible(timeout=READ_WITHIN)
    taken = time.monotonic() - begun
    [shown] = re.findall(r"([\d.]+) 秒", answer.inner_text())
    assert taken / 2 < float(shown) <= taken, "the wait for reading counts"
    chips = question.locator("[class*=st-key-attached-]")
    expect(chips).to_contain_text(re.compile(rf"{order.name} · \d+ \w+ · \d 个段落"))
    expect(chips).to_contain_text(re.compile(rf"{locked.name} · \d+ \w+ · 读取失败"))
    expect(question).to_contain_text("文档已加密")
    page.reload()
    expect(chips).to_contain_text("个段落")
    field = question.locator("input[type=password]")
    field.fill("wrong")
    field.press("Enter")
    expect(question).to_contain_text("密码不正确", timeout=READ_WITHIN)
    field.fill("sesame")
    field.press("Enter")
    expect(chips).to_contain_text(
        re.compile(rf"{locked.name} · \d+ \w+ · 1 个段落"), timeout=READ_WITHIN
    )
    expect(answer).to_contain_text("48,650", timeout=READ_WITHIN)
    chips.get_by_role("button", name="保存到 handbook").click()
    expect(page.get_by_text("已保存到 handbook").first).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    expect(chips.get_by_role("button", name="保存到 handbook")).to_be_visible()


def test_later_questions_find_it_and_other_chats_do_not(open_page: Open, tmp_path: Path) -> None:
    tower = tmp_path / "beacon.md"
    tower.write_text("# Beacon\n\nThe beacon of Oosterwal was painted red in 1911.\n", "utf-8")
    page = open_page("en")
    ask(page, "When was it painted?", tower)
    last = page.get_by_test_id("stChatMessage").last
    expect(last).to_contain_text("beacon.md, which you attached, speaks of it", timeout=READ_WITHIN)
    expect(last).to_contain_text("1911")
    expect(last.locator("[class*=st-key-actions-]")).to_be_visible()
    ask(page, "Which colour has the beacon of Oosterwal?")
    expect(page.get_by_test_id("stChatMessage")).to_have_count(4)
    expect(last).to_contain_text("painted red")
    expect(last.locator("[class*=st-key-actions-]")).to_be_visible()
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    ask(page, "Which colour has the beacon of Oosterwal?")
    expect(last.locator("[class*=st-key-actions-]")).to_be_visible(timeout=READ_WITHIN)
    expect(last).not_to_contain_text("painted red")
