;;; driver.el --- what the tests' scripts are written in -*- lexical-binding: t; -*-

;;; Code:
(require 'json)
(require 'xref)

(setq make-backup-files nil create-lockfiles nil
      native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil) ; which want a compiler

(defun tell (key value)
  "Tell the test VALUE under KEY: JSON, a list is an array."
  (princ (format "%s\t%s\n" key (json-encode value))))

(defun await (condition)
  "What CONDITION returns when it is true; meanwhile, Emacs goes about its business."
  (let (value (end (+ (float-time) 60)))
    (while (not (or (setq value (funcall condition)) (> (float-time) end)))
      (accept-process-output nil 0.02))
    (or value (error "In vain: %S" condition))))

(defun visit (name)
  "Show the project's file NAME, and nothing else."
  (switch-to-buffer (find-file-noselect (expand-file-name name "~/project")))
  (delete-other-windows))

(defun go-to (text)
  "Put the cursor behind TEXT."
  (goto-char (point-min))
  (search-forward text))

(defun press (keys)
  "Press KEYS, as `kbd' has them."
  (execute-kbd-macro (kbd keys)))

(defun place ()
  "Where the user is: the file's name, the line, the column, from 1."
  (with-current-buffer (window-buffer)
    (format "%s:%d:%d" (buffer-name) (line-number-at-pos) (1+ (current-column)))))

(defun at (place)
  "Whether the user is at PLACE."
  (lambda () (equal (place) place)))

(defun shown (name)
  "The lines of the buffer NAME, where there is one."
  (when (get-buffer name)
    (with-current-buffer name
      (split-string (buffer-substring-no-properties (point-min) (point-max)) "\n" t))))

(defun last-line ()
  "The text's last line."
  (save-excursion
    (goto-char (point-max))
    (buffer-substring-no-properties (line-beginning-position) (point-max))))

(defun lines-of (items)
  "The lines that xref's ITEMS stand for."
  (mapcar (lambda (item) (string-trim (substring-no-properties (xref-item-summary item)))) items))

;;; driver.el ends here
