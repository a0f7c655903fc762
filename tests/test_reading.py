"""Reading: every format keeps its text and its places, and a hostile file stops nothing."""

from __future__ import annotations

import json
import os
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.loaders import load
from rag.passages import Block
from rag.reading import read_file, read_files
from workbench.errors import InvalidInput, Stopped, WorkbenchError
from workbench.settings import Settings

CHINESE = "灯塔在午夜熄灭，守塔人第二天早上才发现。"


def texts(path: Path) -> str:
    return "\n".join(block.text for block in load(path))


def block_with(path: Path, words: str) -> Block:
    return next(block for block in load(path) if words in block.text)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5", "utf-32"],
)
def test_chinese_text_is_read_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    text = "燈塔在午夜熄滅，守塔人第二天早上才發現。" if encoding == "big5" else CHINESE
    path = tmp_path / "a.txt"
    path.write_bytes((text * 20).encode(encoding))
    assert text in texts(path)


def test_markdown_keeps_its_heading_path_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        f"# Coast\n\nIntro.\n\n## 灯塔\n\n{CHINESE}\n\n```\n# no heading\n```\n", "utf-8"
    )
    place = block_with(path, CHINESE).locator
    assert (place.heading, place.line) == (("Coast", "灯塔"), 7)
    assert block_with(path, "no heading").locator.heading == ("Coast", "灯塔")


def test_a_csv_row_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("名称,Height\n北塔,31\n", "utf-8")
    block = block_with(path, "北塔")
    assert block.text == "名称: 北塔; Height: 31" and block.locator.line == 2


def test_html_leaves_scripts_out_and_keeps_headings(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        f"<html><head><title>T</title><script>evil()</script></head><body><h2>Sea</h2><p>One<br>two</p>"
        f"<table><tr><td>Depth</td><td>9 m</td></tr></table><p>{CHINESE}</p></body></html>",
        "utf-8",
    )
    assert "evil" not in texts(path)
    assert block_with(path, "Depth").text == "Depth | 9 m"
    assert block_with(path, CHINESE).locator.heading == ("Sea",)


def test_office_files_keep_heading_slide_and_sheet(tmp_path: Path) -> None:
    import docx
    import openpyxl
    import pptx

    document = docx.Document()
    document.add_heading("Harbour", 1)
    document.add_paragraph(CHINESE)
    document.save(str(tmp_path / "a.docx"))
    assert block_with(tmp_path / "a.docx", CHINESE).locator.heading == ("Harbour",)
    slides = pptx.Presentation()
    for title in ("First", "第二页"):
        slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = title
    slides.save(str(tmp_path / "a.pptx"))
    assert block_with(tmp_path / "a.pptx", "第二页").locator.page == 2
    workbook = openpyxl.Workbook()
    workbook.active.title = "塔"
    for row in (["Name", "Height"], ["北塔", 31]):
        workbook.active.append(row)
    workbook.save(tmp_path / "a.xlsx")
    found = block_with(tmp_path / "a.xlsx", "北塔")
    assert (found.text, found.locator.sheet, found.locator.line) == (
        "Name: 北塔; Height: 31",
        "塔",
        2,
    )


def test_a_pdf_keeps_its_pages(tmp_path: Path) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica")
    for text in ("The first page.", "The keeper lives on page two."):
        pdf.add_page()
        pdf.cell(text=text)
    pdf.output(str(tmp_path / "a.pdf"))
    assert block_with(tmp_path / "a.pdf", "keeper").locator.page == 2


def test_notebook_mail_rtf_and_book_are_read(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Plan\n", "\n", CHINESE]},
        {"cell_type": "code", "source": "x = 1"},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    assert block_with(tmp_path / "a.ipynb", CHINESE).locator.heading == ("cell 1", "Plan")
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "Lamp", "keeper@example.org"
    mail.set_content(CHINESE)
    (tmp_path / "a.eml").write_bytes(bytes(mail))
    assert block_with(tmp_path / "a.eml", CHINESE).locator.heading == ("Lamp",)
    (tmp_path / "a.rtf").write_bytes(rb"{\rtf1\ansi The lamp is \b lit\b0 .\par}")
    assert "The lamp is lit." in texts(tmp_path / "a.rtf")
    with zipfile.ZipFile(tmp_path / "a.epub", "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", '<c><rootfile full-path="o/p.opf"/></c>')
        book.writestr("o/p.opf", '<p><item id="1" href="one.xhtml"/><itemref idref="1"/></p>')
        book.writestr("o/one.xhtml", f"<html><body><h1>One</h1><p>{CHINESE}</p></body></html>")
    assert block_with(tmp_path / "a.epub", CHINESE).locator.heading == ("One",)


def test_a_zip_cannot_write_outside_and_names_its_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../😀.txt", CHINESE)
        archive.writestr("broken.pdf", b"%PDF-1.4 no")
    assert block_with(tmp_path / "a.zip", CHINESE).locator.heading == ("../../😀.txt",)
    assert not (tmp_path.parent / "😀.txt").exists()


def test_content_counts_more_than_the_ending(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_bytes(b"{\\rtf1 Rich text in disguise.\\par}")
    assert texts(tmp_path / "page.txt").strip() == "Rich text in disguise."
    (tmp_path / "data.txt").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(InvalidInput, match="binary"):
        texts(tmp_path / "data.txt")


def test_a_reader_that_dies_or_hangs_is_replaced(settings: Settings, tmp_path: Path) -> None:
    """A PDF reader cannot be made to hang at will, a pipe can: nobody ever writes into it."""
    good = tmp_path / "good.txt"
    good.write_text("Still here.", "utf-8")
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    hurried = settings.model_copy(update={"file_seconds": 6.0})
    results = dict(read_files([pipe, good], hurried, workers=1))
    assert isinstance(results[pipe], Stopped) and "6 s" in str(results[pipe])
    assert not isinstance(results[good], WorkbenchError) and results[good][0].text == "Still here."


def test_a_file_over_the_size_limit_is_not_opened(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "big.txt"
    path.write_bytes(b"a" * 2_000_000)
    with pytest.raises(InvalidInput, match="the limit is 1 MB"):
        read_file(path, settings.model_copy(update={"file_megabytes": 1}))


def test_a_memory_bomb_is_refused(settings: Settings, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"0" * 250_000_000)
    with pytest.raises(InvalidInput, match="more than"):
        read_file(tmp_path / "bomb.zip", settings)
