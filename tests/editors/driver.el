;;; driver.el --- helpers for the scripts of the tests -*- lexical-binding: t; -*-

;;; Code:
(require 'json)
(require 'xref)

(setq make-backup-files nil create-lockfiles nil
      native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil) ; these need a compiler

(defun report (key value)
  "Print VALUE under KEY for the test, as JSON; a list is an array."
  (princ (format "%s\t%s\n" key (json-encode value))))

(defun await (condition)
  "Wait until CONDITION returns a non-nil value, and return that."
  (let (value (deadline (+ (float-time) 180)))
    (while (not (or (setq value (funcall condition)) (> (float-time) deadline)))
      (accept-process-output nil 0.02))
    (or value (error "Timed out: %S" condition))))

(defun visit (name)
  "Show the project's file NAME in the only window."
  (switch-to-buffer (find-file-noselect (expand-file-name name "~/project")))
  (delete-other-windows))

(defun go-to (text)
  "Move point behind TEXT."
  (goto-char (point-min))
  (search-forward text))

(defun press (keys)
  "Press KEYS, in the syntax of `kbd'."
  (execute-kbd-macro (kbd keys)))

(defun current-location ()
  "Return file name, line and column, from 1, of the selected window."
  (with-current-buffer (window-buffer)
    (format "%s:%d:%d" (buffer-name) (line-number-at-pos) (1+ (current-column)))))

(defun at-location (location)
  "Return a predicate: whether the selected window shows LOCATION."
  (lambda () (equal (current-location) location)))

(defun buffer-lines (name)
  "Return the lines of the buffer NAME, or nil if it does not exist."
  (when (get-buffer name)
    (with-current-buffer name
      (split-string (buffer-substring-no-properties (point-min) (point-max)) "\n" t))))

(defun last-line ()
  "Return the last line of the buffer."
  (save-excursion
    (goto-char (point-max))
    (buffer-substring-no-properties (line-beginning-position) (point-max))))

(defun lines-of (items)
  "Return the summaries of xref ITEMS."
  (mapcar (lambda (item) (string-trim (substring-no-properties (xref-item-summary item)))) items))

;;; driver.el ends here
