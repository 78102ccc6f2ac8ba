"""Showing what is stored: ``show``, as tables for people, as JSON, CSV or a workbook for programs.

``commands`` declares it, ``asking`` finds the results, ``captions`` says what they are of, ``delivery`` in which form and where
to they go. Nothing is computed here; that is ``launching``.
"""
